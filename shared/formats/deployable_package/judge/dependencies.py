"""Which module needs which, and whether it can have it."""

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from shared.formats.deployable_package.findings import Findings
from shared.formats.deployable_package.read.nuget import NugetPackage
from shared.formats.deployable_package.read.release import Release


def judge_dependencies(
    packages: Sequence[NugetPackage],
    release: Release | None,
    newer_releases: Sequence[Release],
    platform_modules: frozenset[str],
    findings: Findings,
) -> None:
    """Judge the references between modules: DP501 to DP505.

    Without a release and without the `platform_modules` (lower case) of a running image, what a module needs
    from the platform is unknown and only circles are judged.
    """
    own = {package.name: package for package in packages}
    circle = find_circle({name: package.references for name, package in own.items()})
    if circle:
        findings.add("DP503", own[circle[0]].nuspec_path, "modules in a circle: " + " -> ".join(circle))
    if release is None and not platform_modules:
        return
    available = own.keys() | platform_modules | (release.names if release is not None else frozenset())
    dangling = release.dangling if release is not None else {}
    for package in packages:
        module = package.summary or package.name
        for reference in package.references:
            if reference in available:
                if reference not in own:
                    _judge_next_releases(
                        f"{module} refers to {reference}", reference, package, newer_releases, findings
                    )
                continue
            newer = next((other for other in newer_releases if reference in other.names), None)
            need = f"{module} refers to {reference}, which"
            if newer is not None:
                findings.add("DP504", package.nuspec_path, f"{need} only release {newer.version} has")
            elif release is not None and reference in dangling:
                users = f"although {len(dangling[reference])} of its modules refer to it"
                findings.add(
                    "DP502",
                    package.nuspec_path,
                    f"{need} the list of release {release.version} lacks {users}",
                )
            else:
                findings.add("DP501", package.nuspec_path, f"{need} nothing provides")


def _judge_next_releases(
    told: str, reference: str, package: NugetPackage, newer_releases: Sequence[Release], findings: Findings
) -> None:
    """A module of the vendor's that a newer release has no more: the environment could not be updated (DP505)."""
    for newer in newer_releases:
        if newer.names and reference not in newer.names and reference not in newer.dangling:
            findings.add("DP505", package.nuspec_path, f"{told}, which release {newer.version} no longer has")
            return


def find_circle(references: Mapping[str, Sequence[str]]) -> list[str]:
    """Return one circle as the names along it, its smallest name first and again last; empty without one."""
    graph = {name: [to for to in references[name] if to in references] for name in sorted(references)}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        # The sorter names each node before those that need it; a reader follows references the other way.
        circle = list(reversed(error.args[1]))[:-1]
        first = circle.index(min(circle))
        return [*circle[first:], *circle[:first], circle[first]]
    return []


def build_order(references: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Return modules in layers, each needing only earlier ones. Raises graphlib.CycleError for a circle.

    References to modules outside the mapping count as satisfied.
    """
    sorter = TopologicalSorter({name: [to for to in references[name] if to in references] for name in references})
    sorter.prepare()
    layers = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        layers.append(ready)
        sorter.done(*ready)
    return layers
