"""The table of what can break a dependent extension, and what of it is decided here.

Row numbers, conditions and codes follow the project's reference of break rules; codes and wordings are the AL
compiler's public diagnostics. A code's severity is taken from here by every check.
"""

import msgspec

from shared.formats.al.finding import BreakSeverity, PlaceLevel

_B, _W, _F = BreakSeverity.BLOCKS, BreakSeverity.WARNS, BreakSeverity.FORECAST


class BreakRule(msgspec.Struct, frozen=True):
    """One row: `codes` with their severity; `undecided` says why nothing, or not everything, is reported."""

    row: int
    condition: str
    level: PlaceLevel
    codes: dict[str, BreakSeverity]
    undecided: str = ""

    @property
    def implemented(self) -> bool:
        """Whether findings of this row are reported."""
        return bool(self.codes)


_M, _S, _A = PlaceLevel.MANIFEST, PlaceLevel.SYMBOLS, PlaceLevel.SOURCE

RULES: tuple[BreakRule, ...] = (
    BreakRule(
        1,
        "a dependency is not in the target set",
        _M,
        {"AL1022": _B},
        "one that was not given is undecided, unless the set is all that an environment has, or has that app under "
        "another id; AL1024 is not decidable here, because a package that cannot be loaded does not say which it is",
    ),
    BreakRule(2, "a dependency is there in a version below the minimum", _M, {"AL1022": _B}),
    BreakRule(3, "the minimum application or platform is above the target", _M, {"AL1022": _B}),
    BreakRule(
        4,
        "the runtime is above the target's",
        _M,
        {"AL1043": _B},
        "AL0666 is not decidable here, because what it asks is the extension's own runtime, with which it compiled",
    ),
    BreakRule(5, "a dependency was renamed", _M, {"AL1076": _W}),
    BreakRule(
        6,
        "a cloud extension uses an object or procedure of scope OnPrem",
        _A,
        {"AL0296": _B},
        "an extension whose own target is OnPrem is refused by a cloud environment at its installation",
    ),
    BreakRule(7, "the target of an extension object is gone", _S, {"AL0247": _B}),
    BreakRule(8, "the target is not extensible any more", _S, {"AL0564": _B, "AL0504": _B}),
    BreakRule(
        9,
        "a referenced object is missing",
        _S,
        {"AL0185": _B, "AL0132": _B},
        "AL0134 is not decidable here, because types that the language lacks depend on the runtime alone",
    ),
    BreakRule(
        10,
        "a control, action or view that is an anchor or a target is gone, or no longer of the kind that it must be",
        _S,
        {"AL0270": _B, "AL0271": _B, "AL0272": _B, "AL0533": _B, "AL0723": _B},
    ),
    BreakRule(11, "a method, field or enum value is not found", _A, {"AL0132": _B, "AL0118": _B, "AL0295": _B}),
    BreakRule(12, "a call has too many or too few arguments", _A, {"AL0126": _B, "AL0135": _B}),
    BreakRule(
        13,
        "an argument, result or operand no longer converts",
        _A,
        {"AL0133": _B, "AL0122": _B, "AL0173": _B, "AL0175": _B},
    ),
    BreakRule(14, "an argument for a var parameter is not assignable", _A, {"AL0130": _B}),
    BreakRule(
        15,
        "the event is missing, is no event, or is not public",
        _A,
        {"AL0280": _B, "AL0281": _B, "AL0462": _B},
        "a publisher that is gone is row 9 (AL0132); AL0461 is not decidable here, because its condition is not public",
    ),
    BreakRule(16, "a subscriber's parameter or element is gone", _A, {"AL0282": _B}),
    BreakRule(
        17,
        "a subscriber's parameter has another type",
        _A,
        {"AL0284": _B, "AL0288": _B, "AL0588": _W, "AL0593": _W},
    ),
    BreakRule(
        18,
        "a subscriber needs a sender that is no longer exposed",
        _A,
        {"AL0282": _B},
        "exposed global variables are not in the symbols: such parameters are presumed valid",
    ),
    BreakRule(
        19,
        "a symbol became local, internal or protected",
        _A,
        {"AL0161": _B},
        "AL0602 is not decidable here, because of which uses the compiler only warns is not public: all are AL0161",
    ),
    BreakRule(
        20,
        "a table, field or other symbol is removed",
        _S,
        {"AL0433": _B, "AL0450": _B, "AL0520": _W, "DRYDOCKINSTALL": _W},
        "AL0520 is told of table extensions; codeunits for upgrade and installation may name removed tables and "
        "fields, but data that a new installation looks for in a removed field may not be there (DRYDOCKINSTALL); "
        "AL0601 is not decidable here, because its condition is not public",
    ),
    BreakRule(21, "a symbol is pending removal", _S, {"AL0432": _F}),
    BreakRule(
        22,
        "a table or field moved, or will move, to another app, which does not have it or is not depended on",
        _S,
        {"AL0797": _B, "AL0801": _F, "AL0824": _W},
        "by the properties MovedTo and MovedFrom; what moved to an app that is not given is undecided",
    ),
    BreakRule(
        23,
        "the target gained a field, control or action of the extension's name",
        _S,
        {"AL0155": _B},
        "AL0486 is not decidable here, because of which members the compiler only warns is not public: all are AL0155",
    ),
    BreakRule(24, "another app has a field or enum value with the same id", _S, {"AL0206": _B, "AL0231": _B}),
    BreakRule(25, "another app declares the same object id or name", _S, {"AL0264": _B, "AL0197": _B}),
    BreakRule(
        26,
        "names of events or subscribers of one object clash when whitespace becomes an underscore",
        _A,
        {"AL0757": _B, "AL0803": _W},
        "an error from runtime 15.0 on, a warning below; other clashes of cleaned names are not public",
    ),
    BreakRule(
        27,
        "an implemented interface gained a member, or an implementation implements it no longer",
        _S,
        {"AL0582": _B, "AL0595": _B},
    ),
    BreakRule(28, "an extended enum gained an interface without default", _S, {"AL0596": _B}),
    BreakRule(
        29,
        "a call or a name is ambiguous between two apps",
        _A,
        {"AL0196": _B, "AL0275": _B},
    ),
    BreakRule(
        30,
        "a relation, formula, key, view, link or list names a field or value that is gone, or a page without records",
        _S,
        {"AL0132": _B, "AL0186": _B, "AL0293": _B, "AL0320": _B, "AL0522": _B},
    ),
    BreakRule(
        31,
        "a query column or report data item is not found",
        _S,
        {"AL0345": _B, "AL0349": _B, "AL0681": _B, "AL0682": _B},
    ),
    BreakRule(
        32,
        "a field grew beyond the variable that receives it",
        _A,
        {"AS0086": _W},
        "decided only where the old base is given: length alone is no change",
    ),
    BreakRule(
        33,
        "a procedure gained a return value, in an update that does not compile the extension anew",
        _A,
        {"AS0102": _W},
        "decided only where the old base is given and has the target's major version; a major update compiles anew",
    ),
    BreakRule(
        34,
        "the staged version breaks the schema of the installed one",
        _S,
        {
            "AS0001": _B,
            "AS0002": _B,
            "AS0004": _B,
            "AS0005": _B,
            "AS0006": _B,
            "AS0009": _B,
            "AS0010": _B,
            "AS0036": _B,
            "AS0080": _B,
            "AS0109": _W,
            "AS0118": _B,
            "AS0136": _B,
            "AS0137": _B,
        },
        "decided only where the installed version is given; the other rules: `drydock extension compare`",
    ),
    BreakRule(35, "a dependency will itself fail or be removed", _M, {"DRYDOCK": _B}),
)

TOLD_ONCE_A_FILE = frozenset(("AL0824", "DRYDOCKINSTALL"))
"""Codes of what is told at the first of its places in a file; forecasts are as well."""
SEVERITIES: dict[str, BreakSeverity] = {code: s for rule in RULES for code, s in rule.codes.items()}
