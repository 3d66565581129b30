"""The analyzer's rules that compare two versions of an app: which are decided here, and why others are not.

Source: the analyzer's public rule pages (appsourcecop, one page per rule) and its public issues. `schema` rules look at
every table, field and key, whatever its access or obsolete state; the others at what other apps can name. `hidden`
rules are reported on request only, as in the analyzer.
"""

import msgspec

from shared.formats.al.finding import BreakSeverity

_E, _W, _I = BreakSeverity.BLOCKS, BreakSeverity.WARNS, BreakSeverity.FORECAST


class BaselineRule(msgspec.Struct, frozen=True):
    """One analyzer rule; `note` says what part of it is not decided here."""

    code: str
    severity: BreakSeverity
    condition: str
    note: str = ""
    schema: bool = False
    hidden: bool = False


class UndecidedRule(msgspec.Struct, frozen=True):
    """A rule of the analyzer that needs a baseline and is not decided here; `reason` says why."""

    code: str
    condition: str
    reason: str


def _schema(code: str, severity: BreakSeverity, condition: str, note: str = "") -> BaselineRule:
    return BaselineRule(code, severity, condition, note, schema=True)


def _hidden(code: str, condition: str, note: str = "") -> BaselineRule:
    return BaselineRule(code, _I, condition, note, hidden=True)


_LIST = "the analyzer's list of properties is not public; decided for"
_APPS = "needs the other app: give it with --with"
_API_PAGE = "PageType, SourceTable and what names an API page"

BASELINE_RULES: tuple[BaselineRule, ...] = (
    _schema("AS0001", _E, "a table or table extension is gone", f"that Microsoft removed its target: {_APPS}"),
    _schema("AS0002", _E, "a field is gone"),
    _schema("AS0004", _E, "a field has another data type"),
    _schema("AS0005", _E, "a field has another name, casing included"),
    _schema("AS0006", _E, "a table has another name"),
    BaselineRule("AS0007", _E, "an object moved to another namespace"),
    _schema("AS0009", _E, "the fields of the primary or a clustered key changed"),
    _schema("AS0010", _E, "the primary key is gone or has another name, casing included"),
    BaselineRule("AS0018", _E, "a public procedure is gone"),
    BaselineRule("AS0019", _E, "an event attribute is gone"),
    BaselineRule("AS0020", _E, "an event has another type"),
    BaselineRule("AS0021", _E, "an event exposes its sender or globals no longer"),
    BaselineRule("AS0022", _E, "a procedure is public no longer, or of scope OnPrem"),
    BaselineRule("AS0023", _E, "a return type changed or is gone"),
    BaselineRule("AS0024", _E, "a public procedure has more or fewer parameters, or a public event has more"),
    BaselineRule("AS0025", _E, "an event parameter is gone or renamed"),
    BaselineRule("AS0026", _E, "a parameter has another type"),
    BaselineRule("AS0027", _E, "a parameter has another array size"),
    BaselineRule("AS0028", _E, "a parameter has a smaller array size"),
    BaselineRule("AS0029", _E, "a page or page extension is gone"),
    BaselineRule("AS0030", _E, "a page has another name"),
    BaselineRule("AS0031", _E, "an action is gone, or promoted no longer"),
    BaselineRule("AS0032", _E, "a control is gone"),
    BaselineRule("AS0033", _E, "a view is gone", "only where the compiler wrote views into the symbols"),
    _schema(
        "AS0034", _E, "a table property changed", f"{_LIST} DataPerCompany, TableType, LinkedObject and less Scope"
    ),
    BaselineRule("AS0035", _W, "a page property changed", f"{_LIST} {_API_PAGE}"),
    _schema(
        "AS0036",
        _E,
        "a field is disabled, became a flow field, or changed a storage property",
        f"{_LIST} Enabled, FieldClass, AutoIncrement, SqlDataType, Compressed; Access is AS0095",
    ),
    _schema("AS0038", _E, "a key property changed", f"{_LIST} Clustered, Unique, and Enabled of the primary key"),
    _schema("AS0039", _E, "a table property is gone", f"{_LIST} DataPerCompany, TableType, LinkedObject"),
    BaselineRule("AS0040", _W, "a page property is gone", f"{_LIST} {_API_PAGE}"),
    _schema("AS0041", _E, "a field property is gone", f"{_LIST} AutoIncrement, SqlDataType, Compressed"),
    _schema("AS0042", _E, "a key property is gone", f"{_LIST} Clustered"),
    _schema("AS0043", _E, "a clustered key is gone or has another name"),
    _schema("AS0044", _E, "members of an option field changed other than by new ones at the end"),
    BaselineRule("AS0049", _E, "an object's access was reduced"),
    BaselineRule("AS0050", _E, "an object is extensible no longer"),
    BaselineRule("AS0063", _E, "an event parameter lost var"),
    BaselineRule("AS0064", _E, "an interface is implemented no longer"),
    BaselineRule("AS0065", _E, "an interface is gone"),
    BaselineRule("AS0066", _E, "a published interface has a new procedure"),
    BaselineRule("AS0067", _E, "an enum has a new interface without default implementation"),
    _schema("AS0068", _E, "a table extension has another target"),
    _schema("AS0069", _E, "an enum that replaces an option has fewer members", f"an enum of another app {_APPS}"),
    _schema("AS0070", _E, "an enum that replaces an option has other names", f"an enum of another app {_APPS}"),
    _schema("AS0071", _E, "an enum that replaces an option has other ordinals", f"an enum of another app {_APPS}"),
    _hidden("AS0072", "a new obsolete tag is not the one wanted", "needs the tag: --obsolete-tag"),
    _hidden("AS0074", "an obsolete tag changed while the state did not"),
    BaselineRule("AS0077", _E, "an event parameter gained var"),
    BaselineRule("AS0078", _E, "a public procedure's parameter gained or lost var"),
    _schema("AS0080", _E, "a field is shorter"),
    BaselineRule("AS0082", _E, "an enum value has another name"),
    BaselineRule("AS0083", _E, "an enum value is gone"),
    _schema("AS0086", _W, "a field is longer: dependents may overflow"),
    BaselineRule("AS0088", _E, "an object with id that others can name is gone, or has another id"),
    BaselineRule("AS0089", _E, "an object without id that others can name is gone"),
    BaselineRule("AS0090", _E, "an object that others can name has another name"),
    BaselineRule("AS0095", _E, "a field's access was reduced"),
    BaselineRule("AS0096", _E, "the app has another name while its runtime is below 8.0"),
    BaselineRule("AS0097", _E, "the app has another publisher while its runtime is below 8.0"),
    BaselineRule("AS0101", _E, "an event's isolation changed"),
    BaselineRule("AS0102", _E, "a return value was added"),
    BaselineRule("AS0106", _E, "a protected variable is gone"),
    BaselineRule("AS0107", _E, "a protected variable is private now"),
    BaselineRule("AS0108", _E, "a protected variable has another type"),
    _schema("AS0109", _W, "a table became temporary"),
    BaselineRule("AS0114", _E, "an external business event has another name"),
    BaselineRule("AS0115", _E, "the obsolete state went from none to removed at once"),
    _schema("AS0116", _W, "the app that a moved object comes from is not there", _APPS),
    _schema("AS0117", _E, "an object moved away that was not pending move before"),
    _schema("AS0118", _E, "a field of the primary key is longer or shorter"),
    _schema("AS0119", _E, "the source of a moved object says that it goes to another app", _APPS),
    _schema("AS0120", _W, "a moved object says that it comes from another app than it does", _APPS),
    _schema("AS0121", _E, "a moved object has another name", _APPS),
    _schema("AS0122", _W, "the app that a moved object comes from does not have it", _APPS),
    _schema("AS0123", _E, "a key of an existing table is clustered now"),
    BaselineRule("AS0124", _E, "an extension object has another target"),
    BaselineRule("AS0128", _E, "an interface extends another one no longer", "the key in the symbols is presumed"),
    BaselineRule("AS0129", _E, "an interface extends another one now", "the key in the symbols is presumed"),
    _hidden("AS0131", "a table or table extension with stored fields is new"),
    _hidden("AS0132", "a stored field is new in a table that exists"),
    _hidden("AS0133", "a key is new in a table that exists"),
    BaselineRule("AS0134", _W, "an external business event has another version"),
    BaselineRule("AS0135", _E, "an external business event is gone that was not marked obsolete"),
    _schema("AS0136", _W, "a field has another id and was not pending removal"),
    _schema("AS0137", _E, "a field of the primary key has another id"),
    BaselineRule("AS0139", _W, "a new field does not say AllowInCustomizations", "from runtime 16.0 on"),
    _schema("AS0141", _E, "a table of another app under Application appears without MovedFrom", _APPS),
    _schema("AS0142", _E, "a table of another app appears without MovedFrom", _APPS),
    _schema("AS0146", _W, "a field went from Integer to BigInteger", "from runtime 18.0 on; before it is AS0004"),
    BaselineRule("DRYDOCK", _E, "a report column or data item is gone", "the analyzer has no rule for it"),
)

UNDECIDED_RULES: tuple[UndecidedRule, ...] = (
    UndecidedRule("AS0003", "the baseline is not there", "a file that is not there is refused before anything else"),
    UndecidedRule(
        "AS0091", "a dependency of the baseline is not there", "symbols are compared without loading dependencies"
    ),
    UndecidedRule(
        "AS0105",
        "code uses a pending symbol whose tag is too old",
        "not in the symbols: `drydock extension check` reads the source and reports AL0432",
    ),
    UndecidedRule("AS0125", "a translation id changed", "how the compiler makes the ids of captions is not public"),
    UndecidedRule("AS0140", "an analysis view is gone", "analysis views are not in the symbols"),
)

SCHEMA_RULES = frozenset(rule.code for rule in BASELINE_RULES if rule.schema)
SEVERITY = {rule.code: rule.severity for rule in BASELINE_RULES}
HIDDEN = frozenset(rule.code for rule in BASELINE_RULES if rule.hidden)
