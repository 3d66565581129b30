"""Builds `.app` files for tests: the container in all its kinds, and symbol files in the modern dialect."""

import io
import json
import struct
import uuid
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

BOM = b"\xef\xbb\xbf"
BASE_ID = "437dbf0e-84ff-417a-965d-ed2bb9650972"
EXTENSION_ID = "11111111-2222-3333-4444-555555555555"
MANIFEST_NAMESPACE = "http://schemas.microsoft.com/navx/2015/manifest"

Json = dict[str, Any]


def container(content: bytes, *, signature: bytes = b"", declared: int | None = None) -> bytes:
    """The 40-byte header, the content, and a signature block if bytes for one are given."""
    length = len(content) if declared is None else declared
    package_id = uuid.UUID("0a0b0c0d-0e0f-1011-1213-141516171819").bytes_le
    header = struct.pack("<4sII16sq4s", b"NAVX", 40, 2, package_id, length, b"NAVX")
    trailer = b""
    if signature:
        trailer = b"NXSB" + signature + struct.pack("<I", 40 + len(content)) + b"NXSB"
    return header + content + trailer


def zipped(entries: Mapping[str, bytes], level: int | None = None) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return out.getvalue()


def manifest_xml(
    *,
    app_id: str = EXTENSION_ID,
    name: str = "Contoso Extension",
    publisher: str = "Contoso",
    version: str = "1.0.0.0",
    application: str | None = None,
    platform: str | None = None,
    test: str | None = None,
    runtime: str = "14.0",
    target: str = "Cloud",
    dependencies: Sequence[tuple[str, str, str, str]] = (),
    preprocessor: Sequence[str] = (),
    internals_visible_to: Sequence[str] = (),
    propagates: bool = False,
) -> bytes:
    """A manifest; a dependency is (id, name, publisher, minimum version)."""
    attributes = {"Id": app_id, "Name": name, "Publisher": publisher, "Version": version}
    attributes |= {"Runtime": runtime, "Target": target}
    attributes |= {"Application": application} if application else {}
    attributes |= {"Platform": platform} if platform else {}
    attributes |= {"Test": test} if test else {}
    attributes |= {"PropagateDependencies": "True"} if propagates else {}
    listed = "".join(
        f"<Dependency Id={quoteattr(i)} Name={quoteattr(n)} Publisher={quoteattr(p)} MinVersion={quoteattr(v)}/>"
        for i, n, p, v in dependencies
    )
    symbols = "".join(f"<PreprocessorSymbol>{s}</PreprocessorSymbol>" for s in preprocessor)
    modules = "".join(f"<Module Id={quoteattr(i)} Name='x' Publisher='x'/>" for i in internals_visible_to)
    written = " ".join(f"{k}={quoteattr(v)}" for k, v in attributes.items())
    return (
        f'<Package xmlns="{MANIFEST_NAMESPACE}"><App {written}/>'
        f'<IdRanges><IdRange MinObjectId="50000" MaxObjectId="50099"/></IdRanges>'
        f"<Dependencies>{listed}</Dependencies><InternalsVisibleTo>{modules}</InternalsVisibleTo>"
        f"<PreprocessorSymbols>{symbols}</PreprocessorSymbols></Package>"
    ).encode()


def package_entries(
    symbols: Json | None = None, sources: Mapping[str, str] | None = None, **manifest: Any
) -> dict[str, bytes]:
    """The entries of an ordinary package; source names are encoded twice, as the compiler does."""
    entries = {"NavxManifest.xml": manifest_xml(**manifest)}
    for name, text in (sources or {}).items():
        entries["src/" + quote(quote(name, safe="/"), safe="/")] = BOM + text.encode()
    if symbols is not None:
        entries["SymbolReference.json"] = BOM + json.dumps(symbols).encode()
    entries["[Content_Types].xml"] = BOM + b"<Types/>"
    return entries


def app(symbols: Json | None = None, sources: Mapping[str, str] | None = None, **manifest: Any) -> bytes:
    """An ordinary package."""
    return container(zipped(package_entries(symbols, sources, **manifest)))


def extension(source: str, **manifest: Any) -> bytes:
    """An extension of one source file, built for the base of `base_app`."""
    return app({}, {"Code.al": source}, **{"application": "25.0.0.0"} | manifest)


def base_app(*objects: Json, **manifest: Any) -> bytes:
    """A Base Application that holds the objects."""
    defaults = {
        "app_id": BASE_ID,
        "name": "Base Application",
        "publisher": "Microsoft",
        "version": "25.1.1.0",
        "target": "OnPrem",
    }
    return app(symbol_file(*objects), **defaults | manifest)


_LISTS = {
    "table": "Tables",
    "tableextension": "TableExtensions",
    "codeunit": "Codeunits",
    "page": "Pages",
    "pageextension": "PageExtensions",
    "report": "Reports",
    "query": "Queries",
    "enum": "EnumTypes",
    "enumextension": "EnumExtensionTypes",
    "interface": "Interfaces",
    "controladdin": "ControlAddIns",
    "permissionset": "PermissionSets",
    "reportextension": "ReportExtensions",
}


def symbol_file(*objects: Json) -> Json:
    """A symbol file; an object with a `Namespace` key goes into the tree of namespaces."""
    root: Json = {"RuntimeVersion": "14.0"}
    for o in objects:
        node = root
        for name in filter(None, o.get("Namespace", "").split(".")):
            children = node.setdefault("Namespaces", [])
            found = next((c for c in children if c["Name"] == name), None)
            if found is None:
                found = {"Name": name}
                children.append(found)
            node = found
        plain = {k: v for k, v in o.items() if k not in ("Kind_", "Namespace")}
        node.setdefault(_LISTS[o["Kind_"]], []).append(plain)
    return root


def typed(text: str) -> Json:
    """`Code[20]`, `Record 18 Customer`, `Enum 50 Colour`, `Option A,B` as a TypeDefinition."""
    kind, _, rest = text.partition(" ")
    if kind == "Option" and rest:
        return {"Name": kind, "OptionMembers": rest.split(",")}
    if rest:
        number, _, name = rest.partition(" ")
        return {"Name": kind, "Subtype": {"Id": int(number), "Name": name, "IsEmpty": False}}
    return {"Name": kind}


def properties(**values: str) -> list[Json]:
    return [{"Name": name, "Value": value} for name, value in values.items()]


def field(number: int, name: str, type_: str, **props: str) -> Json:
    return {"Id": number, "Name": name, "TypeDefinition": typed(type_), "Properties": properties(**props)}


def method(
    name: str,
    *parameters: str,
    returns: str = "",
    attributes: Sequence[tuple[str, Sequence[str]]] = (),
    **flags: bool,
) -> Json:
    """A method; a parameter is `Name: Type` or `var Name: Type`."""
    found = []
    for parameter in parameters:
        written, _, type_ = parameter.removeprefix("var ").partition(": ")
        found.append({"Name": written, "IsVar": parameter.startswith("var "), "TypeDefinition": typed(type_)})
    return {
        "Name": name,
        "Parameters": found,
        "Attributes": [{"Name": n, "Arguments": [{"Value": v} for v in vs]} for n, vs in attributes],
        **({"ReturnTypeDefinition": typed(returns)} if returns else {}),
        **flags,
    }


def event(name: str, *parameters: str, sender: bool = False, kind: str = "IntegrationEvent", **flags: bool) -> Json:
    return method(name, *parameters, attributes=[(kind, [str(sender), "False"])]) | flags


def table(number: int, name: str, *fields: Json, methods: Sequence[Json] = (), **props: str) -> Json:
    return {
        "Kind_": "table",
        "Id": number,
        "Name": name,
        "Fields": list(fields),
        "Keys": [{"Name": "PK", "FieldNames": [fields[0]["Name"]]}] if fields else [],
        "Methods": list(methods),
        "Properties": properties(**props),
    }


def codeunit(number: int, name: str, *methods: Json, interfaces: Sequence[str] = (), **props: str) -> Json:
    return {
        "Kind_": "codeunit",
        "Id": number,
        "Name": name,
        "Methods": list(methods),
        "ImplementedInterfaces": list(interfaces),
        "Properties": properties(**props),
    }


def control(name: str, kind: int, *children: Json, number: int = 0) -> Json:
    return {"Name": name, "Kind": kind, "Id": number, "Controls": list(children)}


def action(name: str, kind: int = 2, *children: Json) -> Json:
    return {"Name": name, "Kind": kind, "Actions": list(children)}


def page(
    number: int,
    name: str,
    *,
    controls: Sequence[Json] = (),
    actions: Sequence[Json] = (),
    methods: Sequence[Json] = (),
    **props: str,
) -> Json:
    return {
        "Kind_": "page",
        "Id": number,
        "Name": name,
        "Controls": list(controls),
        "Actions": list(actions),
        "Methods": list(methods),
        "Properties": properties(**props),
    }


def enum(number: int, name: str, *values: str, interfaces: Sequence[str] = (), **props: str) -> Json:
    return {
        "Kind_": "enum",
        "Id": number,
        "Name": name,
        "Values": [{"Ordinal": i, "Name": v} for i, v in enumerate(values)],
        "ImplementedInterfaces": list(interfaces),
        "Properties": properties(**{"Extensible": "1"} | props),
    }


def interface(name: str, *methods: Json) -> Json:
    return {"Kind_": "interface", "Name": name, "Methods": [m | {"MethodKind": 5} for m in methods]}


def multiplied(symbols: bytes, times: int) -> bytes:
    """A symbol file with every object of another `times` times, each under an id and a name of its own."""
    root = json.loads(symbols)
    parts = []
    for name, objects in root.items():
        if not isinstance(objects, list) or name in ("Namespaces", "InternalsVisibleToModules"):
            continue
        copies = [
            json.dumps(o | {"Id": o.get("Id", 0) + copy * 10_000_000, "Name": f"{o.get('Name', '')} {copy}"})
            for copy in range(times)
            for o in objects
        ]
        parts.append(f"{json.dumps(name)}:[{','.join(copies)}]")
    return BOM + ("{" + ",".join(parts) + "}").encode()


def peak_memory() -> float:
    """Peak memory of this process alone, MiB. (What getrusage says begins with the peak of the parent.)"""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
