"""The files that tell the vendor's installer which services a package updates, in which order."""

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from xml.etree.ElementTree import Element

from .documents import DocumentError, child, children, parse_xml, text
from .findings import Findings
from .kinds import TYPE_BY_GUID
from .layout import RELEASED, SERVICE_MODEL, TOPOLOGY
from .sources import Bytes


def judge_service_model(documents: Mapping[str, tuple[str, Bytes | None]], findings: Findings) -> str:
    """Judge service model, topology and released packages (DP314 to DP318) and return the package's Guid.

    `documents` maps each of the three file names to its path and content; the content is None where the file
    is there and could not be unpacked, which has been reported, and the name is absent where the file is.
    """
    roots = {}
    for name in (SERVICE_MODEL, TOPOLOGY, RELEASED):
        if name not in documents:
            findings.add("DP314", name, f"{name} is missing")
            continue
        path, content = documents[name]
        if content is None:
            continue
        try:
            roots[name] = parse_xml(content)
        except DocumentError as error:
            findings.add("DP203" if error.declares_type else "DP315", path, f"{name} {error.message}")
    if SERVICE_MODEL not in roots:
        return ""
    model_path = documents[SERVICE_MODEL][0]
    guid = text(roots[SERVICE_MODEL], "Guid")
    if RELEASED in roots and guid.lower() not in _released(roots[RELEASED]) | TYPE_BY_GUID.keys():
        findings.add("DP316", model_path, f"no package type is known for Guid {guid[:100]!r}")
    needs = {
        text(model, "Name"): _names(child(model, "DependentServiceModelList"))
        for model in _listed(roots[SERVICE_MODEL], "ServiceModelList", "ServiceModel")
    }
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        findings.add("DP318", model_path, "service models in a circle: " + " -> ".join(error.args[1]))
    if TOPOLOGY in roots:
        for machine in _listed(roots[TOPOLOGY], "MachineList", "Machine"):
            for name in _names(child(machine, "ServiceModelList")):
                if name not in needs:
                    findings.add("DP317", documents[TOPOLOGY][0], f"service model {name[:100]!r} is not defined")
    return guid


def _released(root: Element) -> set[str]:
    return {(one.text or "").strip().lower() for one in root.iter()}


def _listed(root: Element, group: str, name: str) -> Iterator[Element]:
    found = child(root, group)
    return children(found, name) if found is not None else iter(())


def _names(group: Element | None) -> list[str]:
    return [(one.text or "").strip() for one in group] if group is not None else []
