"""The house stays as it was drawn: floors, sizes, names, tables. Whatever breaks a rule says here why it may."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import BaseModel

from deploy.installation.tables import service_tables
from shared.contracts.registry import LIFECYCLES
from shared.kernel import State
from shared.kernel.app import On
from shared.kernel.table import words

ROOT = Path(__file__).parents[2]
LONGEST_FILE = 500
LONGEST_FUNCTION = 70

FLOORS = (
    ("deploy",),
    ("services.console",),
    (
        "services.package_validator",
        "services.image_builder",
        "services.servicing_executor",
        "services.promotion_scheduler",
        "services.extension_compatibility_checker",
        "services.notifier",
    ),
    ("shared.projections", "shared.attestations"),
    ("shared.artifacts", "shared.kernel"),
    ("shared.contracts", "shared.children"),
    ("shared.formats",),
    ("shared.files", "shared.version", "shared.ports"),
)
"""From the roof down. A room imports what stands on lower floors, nothing beside it and nothing above."""

LONG_FILES: Mapping[str, str] = {}
LONG_FUNCTIONS: Mapping[str, str] = {}
NAMES_WITH_SEVERAL_MEANINGS: Mapping[str, str] = {
    "Reason": "the reason codes of one service's refusals: each contract has its own closed list",
    "Steps": "the real work of one service, named alike on purpose",
}


@cache
def sources() -> Mapping[str, ast.Module]:
    """The production code, parsed, by path."""
    return {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for folder in ("services", "shared", "deploy")
        for path in sorted((ROOT / folder).rglob("*.py"))
    }


def module_of(path: str) -> str:
    """The name under which a file is imported."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def imports_of(path: str, modules: frozenset[str]) -> Iterator[str]:
    """Our modules that a file imports, wherever in it, except for the eyes of the type checker alone."""
    for node in run_time_nodes(sources()[path]):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            found = name if name in modules else name.rpartition(".")[0]
            if found in modules and found != module_of(path):
                yield found


def run_time_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those below `if TYPE_CHECKING:`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from run_time_nodes(node)


def floor_and_room(module: str) -> tuple[int, str] | None:
    """How many floors a module stands below the roof, and its room there."""
    for number, rooms in enumerate(FLOORS):
        for room in rooms:
            if module == room or module.startswith(f"{room}."):
                return number, room
    return None


def test_every_module_stands_in_a_room() -> None:
    homeless = [path for path in sources() if floor_and_room(module_of(path)) is None]
    assert homeless == ["services/__init__.py", "shared/__init__.py"]


def test_no_file_imports_itself_by_way_of_others() -> None:
    modules = frozenset(map(module_of, sources()))
    graph = {module_of(path): set(imports_of(path, modules)) for path in sources()}
    TopologicalSorter(graph).prepare()


def test_imports_lead_down() -> None:
    modules = frozenset(map(module_of, sources()))
    wrong = []
    for path in sources():
        own = floor_and_room(module_of(path))
        for imported in imports_of(path, modules):
            other = floor_and_room(imported)
            if own and other and own[1] != other[1] and other[0] <= own[0]:
                wrong.append(f"{path} imports {imported}")
    assert wrong == []


def test_files_are_read_in_one_sitting() -> None:
    long = {
        path.relative_to(ROOT).as_posix()
        for folder in ("services", "shared", "deploy", "tests")
        for path in (ROOT / folder).rglob("*.py")
        if path.read_text(encoding="utf-8").count("\n") > LONGEST_FILE
    }
    assert long == set(LONG_FILES)


def test_functions_fit_a_screen() -> None:
    long = {
        f"{path}:{node.name}"
        for path, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > LONGEST_FUNCTION
    }
    assert long == set(LONG_FUNCTIONS)


def test_a_public_class_name_means_one_thing() -> None:
    places = defaultdict(list)
    for path, tree in sources().items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(path)
    several = {name: paths for name, paths in places.items() if len(paths) > 1}
    assert {name: paths for name, paths in several.items() if name not in NAMES_WITH_SEVERAL_MEANINGS} == {}
    assert set(NAMES_WITH_SEVERAL_MEANINGS) <= set(several)


def test_every_status_of_an_aggregate_moves_by_a_table_that_the_documentation_prints(tmp_path: Path) -> None:
    printed = [lifecycle for lifecycles in LIFECYCLES.values() for lifecycle in lifecycles]
    found = {}
    for service in service_tables(tmp_path).values():
        for aggregate in service.aggregates.values():
            if has_status(aggregate.state) and not is_told_by_others(aggregate.name):
                assert issubclass(aggregate.state, State)
                found[service.name, aggregate.name] = aggregate.state.lifecycle
    assert [name for name, lifecycle in found.items() if lifecycle is None] == []
    assert all(lifecycle in printed for lifecycle in found.values())
    assert len(found) >= 7


def test_who_searches_for_a_message_finds_where_it_is_decided_on(tmp_path: Path) -> None:
    """Its name, and the file and the function that the table names for it, share a word."""
    lines = [line for service in service_tables(tmp_path).values() for line in service.table if isinstance(line, On)]
    apart = [words(line) for line in lines if not share_a_word(words_of(line.message.__name__), place_of(line))]
    assert len(lines) > 100
    assert apart == []


def words_of(name: str) -> set[str]:
    """The words of a name, whether it is written LikeThis or like_this."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+", name)} - {"of", "is", "set"}


def place_of(line: On[Any, Any, Any]) -> set[str]:
    """The words of the file and the function that decide on a message."""
    module, function = line.decide.__module__.rpartition(".")[2], line.decide.__name__
    refused = {"rejected"} if "refused" in function else set()  # CommandRejected says that a command was refused
    return words_of(module) | words_of(function) | refused


def share_a_word(left: set[str], right: set[str]) -> bool:
    """Whether a word of one is a word of the other, or the beginning of one: `mark` and `marking`."""
    return any(one.startswith(other[:5]) for one in left for other in right if len(other) > 3)


def has_status(model: type[BaseModel]) -> bool:
    """Whether it has a status, as a field or as what follows from others."""
    own: Any = model.model_fields.get("status")
    hint = own.annotation if own else getattr(getattr(model, "status", None), "fget", None)
    if callable(hint) and not isinstance(hint, type):
        hint = get_type_hints(hint).get("return")
    return isinstance(hint, type) and issubclass(hint, StrEnum)


def is_told_by_others(collection: str) -> bool:
    """Whether it is kept of another service's aggregates, which moves as that service says."""
    return collection.startswith("known_")
