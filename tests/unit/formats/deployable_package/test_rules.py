"""Each rule is broken by a package of its own, and by nothing else."""

import re
from pathlib import Path

import pytest

from shared.formats.deployable_package import rules as rules_module
from shared.formats.deployable_package.damage.faults import FAULTS, Fault, build_sample
from shared.formats.deployable_package.evidence import EvidenceKind
from shared.formats.deployable_package.judge.target import TargetImage, TargetModule
from shared.formats.deployable_package.judge.verdict import CheckOutcome
from shared.formats.deployable_package.read.kinds import DeployableKind
from shared.formats.deployable_package.rules import GROUPS, RULES, RuleSeverity, rules_as_markdown

from .contexts import TARGET, broken_rules, check
from .neighbours import NEIGHBOURS, Neighbour

_DOCUMENT = Path(rules_module.__file__).with_name("RULES.md")
# Rules that no change to the package alone can break; each has a test of its own below.
_BROKEN_BY_CONTEXT = {"DP708"}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.rule)
def test_a_package_with_one_fault_breaks_exactly_that_rule_at_exactly_that_place(fault: Fault) -> None:
    sound = check(build_sample(kind=fault.kind), fault.context)
    broken = check(build_sample(fault), fault.context)
    assert fault.rule not in {finding.rule for finding in sound.findings}
    new = [finding for finding in broken.findings if finding not in sound.findings]
    assert [(finding.rule, finding.path) for finding in new] == [(fault.rule, fault.path)]
    is_error = RULES[fault.rule].severity is RuleSeverity.ERROR
    assert broken.verdict is (CheckOutcome.INVALID if is_error else CheckOutcome.VALID)


@pytest.mark.parametrize("near", NEIGHBOURS, ids=lambda near: near.rule)
def test_a_package_that_comes_close_to_breaking_a_rule_does_not_break_it(near: Neighbour) -> None:
    sound = build_sample(kind=near.kind)
    package = build_sample(near.change)
    assert (package == sound) is (near.rule == "DP206"), "a neighbour differs from the sound package"
    before = check(sound, near.context, **near.more).findings
    new = [finding for finding in check(package, near.context, **near.more).findings if finding not in before]
    assert near.rule not in {finding.rule for finding in before}
    assert new == []


@pytest.mark.parametrize("kind", [DeployableKind.CUSTOMIZATION, DeployableKind.PLATFORM])
def test_sound_packages_have_no_findings(kind: DeployableKind) -> None:
    for context in ("alone", "release"):
        verdict = check(build_sample(kind=kind), context)
        assert (verdict.verdict, verdict.findings, verdict.kind) == (CheckOutcome.VALID, (), kind)


def test_identical_content_is_a_no_op_and_one_changed_byte_is_not() -> None:
    sound = check(build_sample())
    modules = tuple(TargetModule(one.name, one.version, one.content_sha256) for one in sound.modules)
    same = TargetImage(TARGET.platform_version, TARGET.application_version, modules)
    assert broken_rules(check(build_sample(), target=same)) == [("DP708", "HotfixInstallationInfo.xml")]
    other = (modules[0], TargetModule(modules[1].name, modules[1].version, "0" * 64))
    changed = TargetImage(TARGET.platform_version, TARGET.application_version, other)
    assert check(build_sample(), target=changed).findings == ()


def test_every_rule_has_a_fault_and_a_neighbour_and_every_fault_a_rule() -> None:
    faulted = [fault.rule for fault in FAULTS]
    assert len(faulted) == len(set(faulted))
    assert {*faulted, *_BROKEN_BY_CONTEXT} == RULES.keys()
    assert {*(near.rule for near in NEIGHBOURS), *_BROKEN_BY_CONTEXT} == RULES.keys()


def test_a_package_is_refused_only_for_what_is_known_from_elsewhere() -> None:
    assert all(rule.evidence.source for rule in RULES.values())
    unverified = {rule.id for rule in RULES.values() if rule.evidence.kind is EvidenceKind.UNVERIFIED}
    errors = {rule.id for rule in RULES.values() if rule.severity is RuleSeverity.ERROR}
    assert unverified
    assert unverified & errors == set()


def test_the_committed_documentation_is_the_registry() -> None:
    assert _DOCUMENT.read_text() == rules_as_markdown(), "run: drydock package rules -o markdown > RULES.md"


def test_the_documentation_names_each_rule_once_with_its_severity() -> None:
    rows = re.findall(r"^\| (DP\d{3}) \| (\w+) \|", rules_as_markdown(), re.MULTILINE)
    assert rows == [(rule.id, str(rule.severity)) for rule in RULES.values()]
    assert [rule.id for rule in RULES.values()] == sorted(RULES)
    assert {rule.id[:3] for rule in RULES.values()} == GROUPS.keys()


def test_every_rule_that_the_code_reports_is_registered_and_every_registered_one_is_reported() -> None:
    folder = Path(rules_module.__file__).parent
    sources = [path.read_text() for path in folder.rglob("*.py") if path.name not in ("rules.py", "faults.py")]
    reported = {rule for source in sources for rule in re.findall(r'"(DP\d{3})"', source)}
    assert reported == RULES.keys()
