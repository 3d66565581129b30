"""What a check found, the collection that it grows in, and what is no finding: a failure that is not the package's."""

import msgspec

from shared.formats.deployable_package.rules import RULES, RuleSeverity

_LONGEST_TEXT = 1000


class InfrastructureError(Exception):
    """The check could not be finished: the file could not be read, or the time ran out.

    It says nothing about the package: never report it as a finding.
    """


class PackageFinding(msgspec.Struct, frozen=True, order=True):
    """One breach of one rule at one place.

    `path` is the entry in the package, `outer.zip!inner` for an entry of an archive inside it, and empty
    where the package as a whole is meant.
    """

    rule: str
    path: str
    message: str

    @property
    def severity(self) -> RuleSeverity:
        return RULES[self.rule].severity

    @property
    def fix(self) -> str:
        return RULES[self.rule].fix


class Findings:
    """Collects findings; a rule that is broken a thousand times is told `most` times and then counted.

    `errors` is the number of errors so far.
    """

    def __init__(self, most: int = 100) -> None:
        self._most = most
        self._by_rule: dict[str, list[PackageFinding]] = {}
        self._untold: dict[str, int] = {}
        self.errors = 0

    def add(self, rule: str, path: str, message: str) -> None:
        if rule not in RULES:
            raise KeyError(rule)
        told = self._by_rule.setdefault(rule, [])
        finding = PackageFinding(rule, _shortened(path), _shortened(message))
        if finding in told:
            return
        self.errors += finding.severity is RuleSeverity.ERROR
        if len(told) < self._most:
            told.append(finding)
        else:
            self._untold[rule] = self._untold.get(rule, 0) + 1

    def extend(self, others: "Findings") -> None:
        """Take over what another collection holds."""
        for rule, told in others._by_rule.items():
            for finding in told:
                self.add(rule, finding.path, finding.message)
            self._untold[rule] = self._untold.get(rule, 0) + others._untold.get(rule, 0)

    def sorted(self) -> tuple[PackageFinding, ...]:
        """Return all findings by severity, rule and path; the same package gives the same order."""
        found = [finding for told in self._by_rule.values() for finding in told]
        found += [
            PackageFinding(rule, "", f"and {count} more findings of this rule")
            for rule, count in self._untold.items()
            if count
        ]
        return tuple(sorted(found, key=lambda one: (one.severity.rank, one)))


def _shortened(text: str) -> str:
    """Bound what a package can make a report hold: names inside it may be megabytes long."""
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}..."


def printable(text: str) -> str:
    """Return text as one line that is safe in a terminal and in XML: what a package says is not trusted."""
    return "".join(one if one.isprintable() else f"\\x{ord(one):02x}" for one in text)
