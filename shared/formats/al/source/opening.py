"""An extension made ready for checks: package, source trees, and its own objects in one index."""

from dataclasses import dataclass, field
from functools import cached_property

from shared.formats.al.package.container import SYMBOLS, Package, PackageError
from shared.formats.al.package.manifest import AppManifest
from shared.formats.al.symbols.index import App, AppIndex, build_index
from shared.formats.al.symbols.reader import SymbolError, collector_paused, read_symbols
from shared.formats.al.symbols.symbols import Symbol, fold

from .declared import declare
from .parser import parse_source
from .syntax import ObjectDecl, SourceFile


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CODELESS = _words("""
    enum enumextension permissionset permissionsetextension interface dotnet profile profileextension
    entitlement pagecustomization controladdin
""")


@dataclass(eq=False)
class OpenedExtension:
    """`index` holds its objects, `objects` their trees where there is source, `undecided` what is unread.

    `has_gaps`: source could not be read, and there are no symbols that would tell which objects it declares.
    """

    package: Package
    manifest: AppManifest
    index: AppIndex
    files: list[SourceFile] = field(default_factory=list)
    objects: list[ObjectDecl] = field(default_factory=list)
    compiled: list[Symbol] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)
    has_gaps: bool = False

    @property
    def title(self) -> str:
        """Name and version for messages."""
        return f"{self.manifest.name} {self.manifest.version}"

    def declaration(self, symbol: Symbol) -> ObjectDecl | None:
        """The tree of an object, None without source."""
        return self._declarations.get((symbol.kind, fold(symbol.name)))

    @cached_property
    def _declarations(self) -> dict[tuple[str, str], ObjectDecl]:
        return {(o.kind, fold(o.name)): o for o in reversed(self.objects)}


def open_extension(package: Package) -> OpenedExtension:
    """Read symbols and source of a package. PackageError where neither can be read."""
    manifest = package.manifest
    if manifest is None:
        raise PackageError(package.problem or "it cannot be read")
    with collector_paused():
        compiled, undecided = _compiled(package)
        files = [parse_source(path, text, manifest.preprocessor_symbols) for path, text in package.sources()]
    objects = [o for f in files for o in f.objects if o.kind not in ("entitlement", "requestpage")]
    for source in files:
        for problem, offset in source.problems:
            line, column = source.tokens.place(offset)
            undecided.append(f"{source.path} ({line},{column}) could not be read: {problem}")
    whole = {(s.kind, fold(s.name)) for s in compiled}
    declared = [declare(o) for o in objects if not (o.is_partial and (o.kind, fold(o.name)) in whole)]
    in_source = {(s.kind, fold(s.name)) for s in declared}
    rest = [s for s in compiled if (s.kind, fold(s.name)) not in in_source]
    if not undecided and any(s.kind not in _CODELESS for s in rest) and not files:
        undecided.append("the package carries no AL source, so procedure bodies and event subscribers stay unchecked")
    index = build_index(App.of(manifest), [*declared, *rest])
    has_gaps = SYMBOLS not in package.entries and any(f.problems for f in files)
    return OpenedExtension(package, manifest, index, files, objects, compiled, undecided, has_gaps)


def _compiled(package: Package) -> tuple[list[Symbol], list[str]]:
    try:
        data = package.symbols()
        return (list(read_symbols(data)) if data else []), []
    except (SymbolError, PackageError) as error:
        return [], [str(error)]
