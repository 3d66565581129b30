"""The files that tell the vendor's installer which services a package updates, in which order."""

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from xml.etree.ElementTree import Element

from shared.formats.deployable_package.archive.sources import Bytes
from shared.formats.deployable_package.findings import Findings
from shared.formats.deployable_package.read.documents import DocumentError, child, children, parse_xml, text
from shared.formats.deployable_package.read.kinds import TYPE_BY_GUID
from shared.formats.deployable_package.read.layout import DEVELOPER_SERVICE_MODEL, RELEASED, SERVICE_MODEL, TOPOLOGY


def judge_service_model(documents: Mapping[str, tuple[str, Bytes | None]], findings: Findings) -> str:
    """Judge service model, topology and released packages (DP314 to DP318) and return the package's Guid.

    `documents` maps each of the file names to its path and content; the content is None where the file is there
    and could not be unpacked, which has been reported, and the name is absent where the file is. The service
    models for development machines need not be there; the topology may name them.
    """
    roots = _read(documents, findings)
    if SERVICE_MODEL not in roots:
        return ""
    model_path = documents[SERVICE_MODEL][0]
    guid = text(roots[SERVICE_MODEL], "Guid")
    if RELEASED in roots and guid.lower() not in _released(roots[RELEASED]) | TYPE_BY_GUID.keys():
        findings.add("DP316", model_path, f"no package type is known for Guid {guid[:100]!r}")
    needs = _service_models(roots[SERVICE_MODEL])
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        findings.add("DP318", model_path, "service models in a circle: " + " -> ".join(error.args[1]))
    known = set(needs)
    if DEVELOPER_SERVICE_MODEL in roots:
        known |= _service_models(roots[DEVELOPER_SERVICE_MODEL]).keys()
    if TOPOLOGY in roots:
        for machine in _listed(roots[TOPOLOGY], "MachineList", "Machine"):
            for name in _names(child(machine, "ServiceModelList")):
                if name.lower() not in known:
                    findings.add("DP317", documents[TOPOLOGY][0], f"service model {name[:100]!r} is not defined")
    return guid


def _read(documents: Mapping[str, tuple[str, Bytes | None]], findings: Findings) -> dict[str, Element]:
    roots = {}
    for name in (SERVICE_MODEL, TOPOLOGY, RELEASED, DEVELOPER_SERVICE_MODEL):
        if name not in documents:
            if name != DEVELOPER_SERVICE_MODEL:
                findings.add("DP314", name, f"{name} is missing")
            continue
        path, content = documents[name]
        if content is None:
            continue
        try:
            roots[name] = parse_xml(content)
        except DocumentError as error:
            findings.add("DP203" if error.declares_type else "DP315", path, f"{name} {error.message}")
    return roots


def _service_models(root: Element) -> dict[str, list[str]]:
    """Return which service models need which, names in lower case."""
    return {
        text(model, "Name").lower(): [name.lower() for name in _names(child(model, "DependentServiceModelList"))]
        for model in _listed(root, "ServiceModelList", "ServiceModel")
    }


def _released(root: Element) -> set[str]:
    return {(one.text or "").strip().lower() for one in root.iter()}


def _listed(root: Element, group: str, name: str) -> Iterator[Element]:
    found = child(root, group)
    return children(found, name) if found is not None else iter(())


def _names(group: Element | None) -> list[str]:
    return [(one.text or "").strip() for one in group] if group is not None else []
