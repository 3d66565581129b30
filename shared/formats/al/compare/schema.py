"""Tables, fields and keys: what the data of an app's users holds on to, whoever may name it."""

from dataclasses import dataclass

from shared.formats.al.package.version import Version
from shared.formats.al.symbols.symbols import EnumValue, Field, Symbol, TableKey, TypeRef, fold

from .comparison import Comparison, is_onprem, is_true, reach

_STORED_CLASS = "normal"


@dataclass(frozen=True, slots=True)
class _PropertyRules:
    """Properties that must stay: name -> (as written, default value); `changed` and `gone` are the codes."""

    changed: str
    gone: str
    properties: dict[str, tuple[str, str]]


_OF_TABLES = _PropertyRules(
    "AS0034",
    "AS0039",
    {
        "datapercompany": ("DataPerCompany", "1"),
        "tabletype": ("TableType", "normal"),
        "linkedobject": ("LinkedObject", "0"),
    },
)
_OF_FIELDS = _PropertyRules(
    "AS0036",
    "AS0041",
    {
        "autoincrement": ("AutoIncrement", "0"),
        "sqldatatype": ("SqlDataType", ""),
        "compressed": ("Compressed", "1"),
    },
)
_WORDS = {"yes": "1", "true": "1", "no": "0", "false": "0"}
_CLASSIFIED_FROM = Version(16)
_GROWING_FROM = Version(18)
_UNCLASSIFIED = ("", "tobeclassified", "always")


def compare_schema(c: Comparison, before: Symbol, after: Symbol) -> None:
    """The table rules; a table extension has no primary key of its own."""
    if before.kind not in ("table", "tableextension"):
        return
    if before.kind == "table":
        _table(c, before, after)
        _keys(c, before, after)
    _fields(c, before, after)


def _table(c: Comparison, before: Symbol, after: Symbol) -> None:
    was, now = before.properties, after.properties
    if _value(was, "tabletype", "normal") == "normal" and _value(now, "tabletype", "normal") == "temporary":
        c.add("AS0109", None, before.name, f"{before.title} became temporary", before.source)
        return
    if is_onprem(now.get("scope", "")) and not is_onprem(was.get("scope", "")):
        c.add("AS0034", before, "Scope", f"Property Scope is '{now['scope']}'")
    _properties(c, _OF_TABLES, before, before, after)


def _value(properties: dict[str, str], name: str, default: str) -> str:
    text = properties.get(name, default).strip().lower()
    return _WORDS.get(text, text) or default


def _properties(
    c: Comparison, rules: _PropertyRules, owner: Symbol, before: Symbol | Field, after: Symbol | Field
) -> None:
    """Properties of `owner`, or of a field of it, that changed, or are gone and were not at their defaults."""
    was, now = before.properties, after.properties
    part = before.name if isinstance(before, Field) else ""
    of = f" of '{part}'" if part else ""
    for name, (title, default) in rules.properties.items():
        if _value(was, name, default) == _value(now, name, default):
            continue
        if name in now:
            change = f"Property {title}{of} is '{now[name]}' instead of '{was.get(name, default)}'"
            c.add(rules.changed, owner, part or title, change)
        else:
            c.add(rules.gone, owner, part or title, f"Property {title}{of} is gone, it was '{was[name]}'")


# -- fields ----------------------------------------------------------------------------------------


def _fields(c: Comparison, before: Symbol, after: Symbol) -> None:
    by_id = {f.id: f for f in after.fields}
    by_name = {fold(f.name): f for f in after.fields}
    key = primary_key(before)
    primary = {fold(n) for n in key.fields} if key else set()
    for field in before.fields:
        same_name = by_name.get(fold(field.name))
        now = by_id.get(field.id)
        is_primary = fold(field.name) in primary
        if same_name is not None and same_name.id != field.id:
            change = f"Field {field.id} '{field.name}' has id {same_name.id} now"
            if is_primary:
                c.add("AS0137", before, field.name, change)
            elif field.obsolete is None or field.obsolete.state != "pending":
                c.add("AS0136", before, field.name, change)
            now = same_name
        if now is None:
            c.add("AS0002", before, field.name, f"Field {field.id} '{field.name}' is gone")
            continue
        if now.name != field.name:
            c.add("AS0005", before, field.name, f"Field {field.id} '{field.name}' is called '{now.name}' now")
        _field(c, before, field, now, in_primary_key=is_primary)
        c.tags(field.obsolete, now.obsolete, before, field.name)
        if c.is_api(before) and not c.is_settled(field.obsolete) and reach(now.properties) < reach(field.properties):
            c.add("AS0095", before, field.name, f"Field '{field.name}' has access {now.properties.get('access')}")
    _new_fields(c, before, after)


def _new_fields(c: Comparison, before: Symbol, after: Symbol) -> None:
    known_ids, known_names = {f.id for f in before.fields}, {fold(f.name) for f in before.fields}
    for field in after.fields:
        if field.id not in known_ids and fold(field.name) not in known_names:
            if is_stored(field):
                c.add("AS0132", after, field.name, f"Field {field.id} '{field.name}' is new")
            _classified(c, after, field)


def _classified(c: Comparison, owner: Symbol, field: Field) -> None:
    runtime = c.new.app.runtime
    if runtime is None or runtime < _CLASSIFIED_FROM or field.obsolete is not None:
        return
    said = field.properties.get("allowincustomizations") or owner.properties.get("allowincustomizations", "")
    if said.lower() in _UNCLASSIFIED:
        name = f"New field '{field.name}'"
        c.add("AS0139", owner, field.name, f"{name} does not say AllowInCustomizations, or says {said or 'nothing'}")


def is_stored(field: Field) -> bool:
    """Whether the database has a column for a field."""
    stored = field.properties.get("fieldclass", _STORED_CLASS).lower() == _STORED_CLASS
    return stored and is_true(field.properties.get("enabled", "1"))


def _field(c: Comparison, owner: Symbol, before: Field, after: Field, *, in_primary_key: bool) -> None:
    a, b = before.type, after.type
    kinds = (a.name.lower(), b.name.lower())
    change = f"Field '{before.name}' is {b} instead of {a}"
    if kinds == ("option", "enum"):
        _enum_for_option(c, owner, before, after)
    elif kinds == ("option", "option"):
        _options(c, owner, before, after)
    elif kinds == ("integer", "biginteger") and _may_grow(c):
        c.add("AS0146", owner, before.name, change)
    elif kinds[0] != kinds[1] or not _same_subject(a, b):
        c.add("AS0004", owner, before.name, change)
    elif a.length != b.length:
        code = "AS0118" if in_primary_key else "AS0080" if b.length < a.length else "AS0086"
        c.add(code, owner, before.name, change)
    if is_stored(before) and not is_stored(after):
        c.add("AS0036", owner, before.name, f"Field '{before.name}' stores data no longer")
    elif is_stored(before):
        _properties(c, _OF_FIELDS, owner, before, after)


def _may_grow(c: Comparison) -> bool:
    """Whether the runtime lets an Integer become a BigInteger; one that is not known is taken for a new one."""
    return c.new.app.runtime is None or c.new.app.runtime >= _GROWING_FROM


def _same_subject(a: TypeRef, b: TypeRef) -> bool:
    if a.subject_id and b.subject_id:
        return a.subject_id == b.subject_id
    return fold(a.subject) == fold(b.subject)


def members(field: Field) -> list[tuple[int, str]]:
    """Ordinals and names of an option field; ordinals count from 0 where the field does not give them."""
    names = [name.strip() for name in field.type.options]
    written = field.properties.get("optionordinalvalues", "").replace(";", ",").split(",")
    ordinals = [int(n) for n in written if n.strip().removeprefix("-").isdecimal()]
    # External tables list more ordinals than members.
    return list(zip(ordinals if len(ordinals) >= len(names) else range(len(names)), names, strict=False))


def _options(c: Comparison, owner: Symbol, before: Field, after: Field) -> None:
    was, now = members(before), members(after)
    if now[: len(was)] != was:
        c.add("AS0044", owner, before.name, f"Option '{before.name}' is {_listed(now)} instead of {_listed(was)}")


def _listed(found: list[tuple[int, str]]) -> str:
    counted = all(ordinal == position for position, (ordinal, _) in enumerate(found))
    return "'" + ",".join(name if counted else f"{ordinal}={name}" for ordinal, name in found) + "'"


def _enum_for_option(c: Comparison, owner: Symbol, before: Field, after: Field) -> None:
    values = _enum_values(c, after.type)
    if values is None:
        c.undecided.append(
            f"field '{before.name}' in {owner.title} is {after.type} instead of an option: "
            "whether their members agree is not known without the app of the enum (--with)"
        )
        return
    was = members(before)
    now = {v.ordinal: v.name.strip() for v in values}
    name = before.name
    if len(now) < len(was):
        c.add("AS0069", owner, name, f"Enum of field '{name}' has {len(now)} members, the option had {len(was)}")
    elif missing := [f"{ordinal} '{member}'" for ordinal, member in was if ordinal not in now]:
        c.add("AS0071", owner, name, f"Enum of field '{name}' has no ordinal {', '.join(missing)}")
    elif renamed := [m for ordinal, m in was if m and fold(now[ordinal]) != fold(m)]:
        c.add("AS0070", owner, name, f"Enum of field '{name}' has other names for {', '.join(renamed)}")


def _enum_values(c: Comparison, wanted: TypeRef) -> tuple[EnumValue, ...] | None:
    for app in (c.new, *c.others):
        named = app.named("enum", wanted.subject) if wanted.subject else []
        found = app.numbered("enum", wanted.subject_id) if wanted.subject_id else next(iter(named), None)
        if found is not None or named:
            return (found or named[0]).values
    return None


# -- keys ------------------------------------------------------------------------------------------


def primary_key(table: Symbol) -> TableKey | None:
    """The first key; without keys the field with the lowest id is one, named after it."""
    if table.kind != "table":
        return None
    if table.keys:
        return table.keys[0]
    first = min(table.fields, key=lambda f: f.id, default=None)
    return TableKey(first.name, (first.name,)) if first else None


def _keys(c: Comparison, before: Symbol, after: Symbol) -> None:
    primary, now_primary = primary_key(before), primary_key(after)
    # Keys name fields, and a field that is renamed is AS0005 alone.
    current = {f.id: fold(f.name) for f in after.fields}
    renamed = {fold(f.name): current.get(f.id, fold(f.name)) for f in before.fields}
    known = {fold(k.name): k for k in after.keys}
    if primary is not None and now_primary is not None:
        expected = renamed.get(fold(primary.name), "") if not before.keys else ""
        if now_primary.name != primary.name and fold(now_primary.name) != expected:
            change = f"Primary key '{primary.name}' is gone, or is called '{now_primary.name}'"
            c.add("AS0010", before, primary.name, change)
        else:
            _key(c, before, primary, now_primary, renamed, is_primary=True)
    elif primary is not None:
        c.add("AS0010", before, primary.name, f"Primary key '{primary.name}' is gone")
    for key in before.keys[1:]:
        now = known.get(fold(key.name))
        if now is not None:
            _key(c, before, key, now, renamed, is_primary=False)
            c.tags(key.obsolete, now.obsolete, before, key.name)
        elif key.clustered:
            c.add("AS0043", before, key.name, f"Clustered key '{key.name}' is gone or has another name")
    was = {fold(k.name) for k in before.keys}
    for key in after.keys[1:]:
        if fold(key.name) not in was:
            code = "AS0123" if key.clustered else "AS0133"
            c.add(code, after, key.name, f"Key '{key.name}' is {'clustered and ' if key.clustered else ''}new")


def _key(
    c: Comparison, owner: Symbol, key: TableKey, now: TableKey, renamed: dict[str, str], *, is_primary: bool
) -> None:
    name = key.name
    was_fields = [renamed.get(fold(f), fold(f)) for f in key.fields]
    if was_fields != [fold(f) for f in now.fields] and (is_primary or key.clustered):
        c.add("AS0009", owner, name, f"Key '{name}' is made of {', '.join(now.fields)}, not {', '.join(key.fields)}")
    if now.clustered and not key.clustered and not is_primary:
        c.add("AS0123", owner, name, f"Key '{name}' is clustered now")
    if key.clustered and not now.clustered:
        code = "AS0042" if now.clustered is None else "AS0038"
        c.add(code, owner, name, f"Key '{name}' is clustered no longer")
    changed = [
        title
        for title, default, wrong in (("Unique", "0", "1"), ("Enabled", "1", "0"))
        if _value(now.properties, title.lower(), default) == wrong != _value(key.properties, title.lower(), default)
        and (title == "Unique" or is_primary or key.clustered)
    ]
    for title in changed:
        c.add("AS0038", owner, name, f"Property {title} of key '{name}' is '{now.properties[title.lower()]}'")


# -- what is new -----------------------------------------------------------------------------------


def new_schema(c: Comparison) -> None:
    """AS0131: tables and table extensions that bring stored fields; only on request."""
    if not c.settings.hidden:
        return
    for entry in c.new.entries:
        if entry.kind not in ("table", "tableextension") or c.is_unchanged(entry):
            continue
        after = c.new.symbol(entry)
        if c.old.numbered(after.kind, after.id) or c.old.named(after.kind, after.name):
            continue
        stored = _value(after.properties, "tabletype", "normal") == "normal" and any(map(is_stored, after.fields))
        if stored:
            c.add("AS0131", None, after.name, f"{after.title} is new", after.source)
