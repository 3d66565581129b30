"""What the values of properties and the arguments of sections name: the one table that every check of them asks.

Source: the vendor's reference of properties (devenv-properties) and of objects (devenv-page-object and its like).
"""

from dataclasses import dataclass
from enum import Enum, auto

from shared.formats.al.finding import PlaceLevel


class ValueKind(Enum):
    """How a value is to be read."""

    EXPRESSION = auto()
    """An expression of the object's own code."""
    OBJECT = auto()
    """One object of the row's kind."""
    RUN_OBJECT = auto()
    """A kind and an object: `page Customer`."""
    PERMISSIONS = auto()
    """`tabledata Customer = RIMD, ...`."""
    PERMISSION_SETS = auto()
    """Permission sets between commas."""
    RELATION = auto()
    """Tables with fields of theirs, and conditions on `shown`."""
    VIEW = auto()
    """`sorting(A) where(B = const(1))`: fields of `shown`."""
    LINK = auto()
    """`A = field(B), C = const(1)`, in queries `A = Item.B`: fields of `shown` left, of `linked` right."""
    FIELDS = auto()
    """Fields of `shown` between commas."""
    KEY = auto()
    """The same in a key, where a removed field is an error of its own."""
    VALUE = auto()
    """A constant for the field that is declared: a member of its option or enum."""
    ACTION = auto()
    """An action of the page."""
    CONTROL = auto()
    """A control of the page."""
    DATA_ITEM = auto()
    """A data item of the report."""


class TableOf(Enum):
    """Whose fields a value names."""

    AROUND = auto()
    """The data item or table element in which it stands, else the table that the object is, extends or shows."""
    OUTER = auto()
    """The data item or table element that the one around links to: that around it, or the one it names."""
    PROVIDER = auto()
    """The part that provides what this one shows; without a provider the page itself."""
    PART = auto()
    """The table that the page of a part shows."""
    RUN = auto()
    """The table that the page of `RunObject` shows."""


@dataclass(frozen=True, slots=True)
class ValueRow:
    """How a value is read, whose fields it names, the kind of object it names, the code for a field that is gone.

    `level` is the part of an extension that tells of it.
    """

    kind: ValueKind
    shown: TableOf = TableOf.AROUND
    linked: TableOf = TableOf.AROUND
    object: str = ""
    code: str = "AL0186"
    level: PlaceLevel = PlaceLevel.SYMBOLS


_EXPRESSION = ValueRow(ValueKind.EXPRESSION)
_FIELDS = ValueRow(ValueKind.FIELDS)
_VIEW = ValueRow(ValueKind.VIEW)
_RELATION = ValueRow(ValueKind.RELATION)
_PERMISSIONS = ValueRow(ValueKind.PERMISSIONS)
_PERMISSION_SETS = ValueRow(ValueKind.PERMISSION_SETS)
_TABLE = ValueRow(ValueKind.OBJECT, object="table")
_PAGE = ValueRow(ValueKind.OBJECT, object="page")

PROPERTIES = {
    # Expressions. In tables some of these are constants, which name nothing.
    "visible": _EXPRESSION,
    "enabled": _EXPRESSION,
    "editable": _EXPRESSION,
    "hidevalue": _EXPRESSION,
    "showmandatory": _EXPRESSION,
    "quickentry": _EXPRESSION,
    "styleexpr": _EXPRESSION,
    "captionclass": _EXPRESSION,
    "datacaptionexpression": _EXPRESSION,
    "autoformatexpression": _EXPRESSION,
    "indentationcolumn": _EXPRESSION,
    # Objects
    "sourcetable": _TABLE,
    "tableno": _TABLE,
    "lookuppageid": _PAGE,
    "drilldownpageid": _PAGE,
    "cardpageid": _PAGE,
    "navigationpageid": _PAGE,
    "rolecenter": _PAGE,
    "runobject": ValueRow(ValueKind.RUN_OBJECT),
    "permissions": _PERMISSIONS,
    "accessbypermission": _PERMISSIONS,
    "includedpermissionsets": _PERMISSION_SETS,
    "excludedpermissionsets": _PERMISSION_SETS,
    # Fields, alone and with conditions
    "datacaptionfields": _FIELDS,
    "sumindexfields": _FIELDS,
    "includedfields": _FIELDS,
    "columnstoreindex": _FIELDS,
    "odatakeyfields": _FIELDS,
    "requestfilterfields": _FIELDS,
    "calcfields": _FIELDS,
    "tablerelation": _RELATION,
    "calcformula": _RELATION,
    "initvalue": ValueRow(ValueKind.VALUE),
    "sourcetableview": _VIEW,
    "filters": _VIEW,
    "dataitemtableview": _VIEW,
    "dataitemlinkreference": ValueRow(ValueKind.DATA_ITEM),
    "provider": ValueRow(ValueKind.CONTROL),
    "dataitemtablefilter": ValueRow(ValueKind.LINK),
    "dataitemlink": ValueRow(ValueKind.LINK, linked=TableOf.OUTER),
    "linkfields": ValueRow(ValueKind.LINK, linked=TableOf.OUTER),
    "subpageview": ValueRow(ValueKind.VIEW, TableOf.PART),
    "subpagelink": ValueRow(ValueKind.LINK, TableOf.PART, TableOf.PROVIDER),
    "runpageview": ValueRow(ValueKind.VIEW, TableOf.RUN),
    "runpagelink": ValueRow(ValueKind.LINK, TableOf.RUN),
}
"""Property, in lower case -> how its value is read. What is not here names nothing that others declare."""

_IN_PAGES = {
    "field": (1, _EXPRESSION),
    "part": (1, _PAGE),
    "actionref": (1, ValueRow(ValueKind.ACTION)),
}
_IN_TABLES = {
    "modify": (0, ValueRow(ValueKind.FIELDS, code="AL0295", level=PlaceLevel.SOURCE)),
    "key": (1, ValueRow(ValueKind.KEY)),
    "fieldgroup": (1, _FIELDS),
    "addfirst": (1, _FIELDS),
    "addlast": (1, _FIELDS),
}
_IN_REPORTS = {**_IN_PAGES, "dataitem": (1, _TABLE), "column": (1, _EXPRESSION)}
_COLUMN = ValueRow(ValueKind.FIELDS, code="AL0345")

ARGUMENTS = {
    "page": _IN_PAGES,
    "pageextension": _IN_PAGES,
    "pagecustomization": _IN_PAGES,
    "table": _IN_TABLES,
    "tableextension": _IN_TABLES,
    "report": _IN_REPORTS,
    "reportextension": _IN_REPORTS,
    "xmlport": {
        **_IN_PAGES,
        "tableelement": (1, _TABLE),
        "fieldelement": (1, _EXPRESSION),
        "fieldattribute": (1, _EXPRESSION),
    },
    "query": {"dataitem": (1, _TABLE), "column": (1, _COLUMN), "filter": (1, _COLUMN)},
}
"""Kind of object -> keyword of a section -> which of its arguments names something, and how that is read."""
