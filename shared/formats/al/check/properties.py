"""What the values of properties name: the one table that every check of declarations asks."""

from enum import Enum, auto


class PropertyKind(Enum):
    """How a value is to be read."""

    OBJECT = auto()
    """One object; OBJECT_PROPERTIES says of what kind."""
    RUN_OBJECT = auto()
    """A kind and an object: `page Customer`."""
    PERMISSIONS = auto()
    """`tabledata Customer = RIMD, ...`."""
    PERMISSION_SETS = auto()
    """Permission sets between commas."""
    RELATION = auto()
    """Tables with fields of theirs, and conditions."""
    VIEW = auto()
    """`sorting(A) where(B = ...)`: fields of the table that is shown."""
    LINK = auto()
    """`A = field(B)`: fields of the table that is shown, and of the one that links to it."""
    FIELDS = auto()
    """Fields of the object's own table between commas."""


OBJECT_PROPERTIES = {
    "sourcetable": "table",
    "lookuppageid": "page",
    "drilldownpageid": "page",
    "cardpageid": "page",
    "tableno": "table",
    "rolecenter": "page",
}
"""Property -> kind of the object that it names."""

PROPERTIES = {
    **dict.fromkeys(OBJECT_PROPERTIES, PropertyKind.OBJECT),
    "runobject": PropertyKind.RUN_OBJECT,
    "permissions": PropertyKind.PERMISSIONS,
    "accessbypermission": PropertyKind.PERMISSIONS,
    "includedpermissionsets": PropertyKind.PERMISSION_SETS,
    "excludedpermissionsets": PropertyKind.PERMISSION_SETS,
    "tablerelation": PropertyKind.RELATION,
    "calcformula": PropertyKind.RELATION,
    "sourcetableview": PropertyKind.VIEW,
    "dataitemtableview": PropertyKind.VIEW,
    "subpageview": PropertyKind.VIEW,
    "runpageview": PropertyKind.VIEW,
    "subpagelink": PropertyKind.LINK,
    "runpagelink": PropertyKind.LINK,
    "dataitemlink": PropertyKind.LINK,
    "linkfields": PropertyKind.LINK,
    "datacaptionfields": PropertyKind.FIELDS,
    "sumindexfields": PropertyKind.FIELDS,
    "includedfields": PropertyKind.FIELDS,
    "odatakeyfields": PropertyKind.FIELDS,
}
"""Property, in lower case -> how its value is read. What is not here names nothing."""
