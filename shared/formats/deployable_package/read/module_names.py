"""How modules, their files and the packages beside them are named."""

import re
from dataclasses import dataclass

PREFIX = "dynamicsax-"
META_PREFIX = "meta-"
# Every module depends on this one; it is part of the platform's skeleton and of no module list.
STATIC_METADATA = "framework-staticmetadata"
FORM_ADAPTOR_SUFFIX = "-formadaptor"
# The vendor's own binaries without X++: no module list names them, and every module may depend on them.
FRAMEWORK_PREFIX = "framework-"
# Other kinds of a module's package, which the vendor ships beside the runtime and no manifest lists.
_PART = re.compile(r"-(?:compile|develop|formadaptor)$")
_LONGEST_NAME = 400
_VERSIONED_NAME = re.compile(r"(?P<name>.*?)\.(?P<version>[0-9]+(?:\.[0-9]+)*)", re.ASCII | re.DOTALL)


@dataclass(frozen=True)
class ModuleVersion:
    """A module by name and version; names compare in any case."""

    name: str
    version: str

    @property
    def key(self) -> str:
        return self.name.lower()


def is_module_name(name: str) -> bool:
    """Whether a package's name, in lower case and without the prefix, is a module's.

    Meta packages, the vendor's framework and the parts that stand beside a module (`-compile`, `-develop`,
    `-formadaptor`) are none.
    """
    return not (name.startswith((META_PREFIX, FRAMEWORK_PREFIX)) or _PART.search(name))


def module_of_part(name: str) -> str:
    """Return the module that a part such as `contosocore-develop` belongs to; any other name as it is."""
    return _PART.sub("", name)


def split_versioned_name(text: str) -> tuple[str, str] | None:
    """Split `applicationsuite.10.0.1.2` into its name and version.

    The split is at the first dot after which only digits and dots follow; None where there is no such dot.
    """
    stripped = text.strip()
    # Longer ones are no names, and the search for the dot takes the square of the length.
    match = _VERSIONED_NAME.fullmatch(stripped) if len(stripped) <= _LONGEST_NAME else None
    if match is None or not match["name"]:
        return None
    return match["name"], match["version"]
