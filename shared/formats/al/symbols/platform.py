"""What functions and methods of the platform take and give, as far as checks rest on it.

Source: the vendor's public reference of the AL language (methods-auto). Only what holds in every runtime is written
down: a function that is not here, and a parameter that is `any`, is never judged.
"""

from typing import NamedTuple

from .symbols import TypeRef


class PlatformMethod(NamedTuple):
    """Alternatives of each parameter's type (none: anything), and the type of the result (None: not known)."""

    parameters: tuple[tuple[TypeRef, ...], ...]
    returns: TypeRef | None


def _method(line: str) -> tuple[str, PlatformMethod]:
    head, _, returns = line.partition(": ")
    name, _, parameters = head.rstrip(")").partition("(")
    types = (tuple(TypeRef(t) for t in p.split("|") if t != "any") for p in parameters.split(", ") if p)
    return name.casefold(), PlatformMethod(tuple(types), TypeRef(returns) if returns else None)


def _methods(text: str) -> dict[str, PlatformMethod]:
    return dict(_method(line.strip()) for line in text.splitlines() if line.strip())


FUNCTIONS = _methods("""
    Abs(Decimal): Decimal
    CalcDate(Text|DateFormula, Date): Date
    ClosingDate(Date): Date
    CompanyName(): Text
    Confirm(Text): Boolean
    ConvertStr(Text, Text, Text): Text
    CopyStr(Text, Integer, Integer): Text
    CreateDateTime(Date, Time): DateTime
    CreateGuid(): Guid
    CurrentDateTime(): DateTime
    Date2DMY(Date, Integer): Integer
    Date2DWY(Date, Integer): Integer
    DelChr(Text, Text, Text): Text
    DelStr(Text, Integer, Integer): Text
    DMY2Date(Integer, Integer, Integer): Date
    DT2Date(DateTime): Date
    DT2Time(DateTime): Time
    DWY2Date(Integer, Integer, Integer): Date
    Error(Text|ErrorInfo)
    Evaluate(any, Text): Boolean
    Format(any): Text
    GuiAllowed(): Boolean
    IncStr(Text): Text
    InsStr(Text, Text, Integer): Text
    IsNullGuid(Guid): Boolean
    LowerCase(Text): Text
    MaxStrLen(any): Integer
    Message(Text)
    NormalDate(Date): Date
    PadStr(Text, Integer, Text): Text
    Power(Decimal, Decimal): Decimal
    Random(Integer): Integer
    Round(Decimal, Decimal, Text): Decimal
    SelectStr(Integer, Text): Text
    StrCheckSum(Text, Text, Integer): Integer
    StrLen(Text): Integer
    StrMenu(Text, Integer, Text): Integer
    StrPos(Text, Text): Integer
    StrSubstNo(Text): Text
    Time(): Time
    Today(): Date
    UpperCase(Text): Text
    UserId(): Text
    WorkDate(Date): Date
""")

RECORD_METHODS = _methods("""
    Count(): Integer
    CountApprox(): Integer
    CurrentCompany(): Text
    CurrentKey(): Text
    Delete(): Boolean
    FieldCaption(any): Text
    FieldError(any, Text|ErrorInfo)
    FieldName(any): Text
    FieldNo(any): Integer
    Find(Text): Boolean
    FindFirst(): Boolean
    FindLast(): Boolean
    FindSet(): Boolean
    Get(): Boolean
    GetFilter(any): Text
    GetFilters(): Text
    GetPosition(): Text
    GetView(): Text
    HasFilter(): Boolean
    Insert(): Boolean
    IsEmpty(): Boolean
    IsTemporary(): Boolean
    Modify(): Boolean
    Next(): Integer
    Rename(): Boolean
    SetFilter(any, Text)
    SetPosition(Text)
    SetView(Text)
    TableCaption(): Text
    TableName(): Text
""")

# Record methods whose further arguments become values of the field that the first one names.
FIELD_VALUE = frozenset(("setrange", "validate", "testfield", "modifyall"))
# Those that give a value of that field.
GIVES_FIELD = frozenset(("getrangemin", "getrangemax"))

# What a method of a collection gives: `element`, `key`, `value`, a collection of them, or a type of the language.
# Where the number of arguments decides it stands behind the name.
COLLECTION_METHODS = {
    "list": {
        "get/1": "element",
        "get/2": "Boolean",
        "getrange/2": "list of element",
        "contains/1": "Boolean",
        "indexof/1": "Integer",
        "lastindexof/1": "Integer",
        "count/0": "Integer",
        "remove/1": "Boolean",
    },
    "dictionary": {
        "get/1": "value",
        "get/2": "Boolean",
        "containskey/1": "Boolean",
        "count/0": "Integer",
        "keys/0": "list of key",
        "values/0": "list of value",
        "remove/1": "Boolean",
    },
}


def collection_result(owner: TypeRef, method: str, count: int) -> TypeRef | None:
    """What `method` with `count` arguments gives on a List or Dictionary; None where that is not known."""
    kind = owner.name.casefold()
    given = COLLECTION_METHODS.get(kind, {}).get(f"{method.casefold()}/{count}")
    parts = ("element",) if kind == "list" else ("key", "value")
    if given is None or len(owner.arguments) != len(parts):
        return None
    of_part = dict(zip(parts, owner.arguments, strict=True))
    if given.startswith("list of "):
        return TypeRef("List", arguments=(of_part[given.removeprefix("list of ")],))
    return of_part.get(given) or TypeRef(given)
