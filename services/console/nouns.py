"""What there is to list and to show: the only list of it there is.

From it come `list` and `show` of the command line, the collections of the HTTP API, and what the dashboard reads.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from services.console.applicability import release_order
from services.console.noun import Lines, Noun, Row
from services.console.words import counted
from shared.contracts.common import DeadLetter
from shared.contracts.extension_compatibility_checker import (
    BaseSnapshot,
    CheckSnapshot,
    Remediation,
    RemediationPolicySnapshot,
    RemediationsSnapshot,
    RemediationStatus,
)
from shared.contracts.image_builder import ImageSnapshot
from shared.contracts.notifier import AudienceSnapshot, NotificationSnapshot, Recipient
from shared.contracts.package_validator import PackageSnapshot
from shared.contracts.parts import Extension, Problem
from shared.contracts.promotion_scheduler import (
    CandidateSnapshot,
    PromotionSnapshot,
    ReleaseSnapshot,
    RolloutSnapshot,
)
from shared.contracts.scalars import EnvironmentId, ProjectId
from shared.contracts.servicing_executor import EnvironmentSnapshot, OperationSnapshot, StagedExtension

_LATE = datetime.max.replace(tzinfo=UTC)


def _field(name: str) -> Callable[[Any], object]:
    def value(line: Any) -> object:
        found = line
        for part in name.split("."):
            found = getattr(found, part) if found is not None else None
        return found

    return value


def _reason(line: Any) -> str:
    problem: Problem | None = line.problem
    return problem.reason if problem else ""


def _problem(line: Any) -> Sequence[Row]:
    return [(line.problem.reason, line.problem.message)] if line.problem else []


def _modules(modules: Iterable[Any]) -> str:
    return ", ".join(f"{one.name} {one.version}" for one in modules)


# -- environments, and what is of one of them


def _environment(found: EnvironmentSnapshot) -> Sequence[Row]:
    running, operation = found.running, found.operation
    rows: list[Row] = [
        ("environment", found.environment),
        ("project", found.project),
        ("kind", found.environment_kind),
        ("country", found.country),
        ("status", found.status),
    ]
    if found.health:
        rows.append(("health", found.health.level))
        down = (f"{one.service} since {one.since:%Y-%m-%d %H:%M:%S} UTC" for one in found.health.services)
        rows.append(("services down", ", ".join(down)))
    if running:
        rows += [
            ("update", running.name),
            ("image", running.image),
            ("platform", running.contents.platform_version),
            ("application", running.contents.application_version),
            ("modules", _modules(running.contents.modules)),
        ]
    if operation:
        rows.append(("operation", f"{operation.operation_kind.value} {operation.operation} ({operation.status.value})"))
    rows.append((f"extensions (set {found.set_version})", _modules(found.extensions)))
    if found.staged:
        waiting = (f"{one.extension.name} {one.extension.version} ({one.stage_for})" for one in found.staged)
        rows.append(("staged", ", ".join(waiting)))
    return rows


class InstalledExtension(Extension):
    """An installed extension, and the version of it that waits for an update."""

    staged: StagedExtension | None


def _installed(found: EnvironmentSnapshot) -> Iterable[InstalledExtension]:
    staged = {one.extension.app_id: one for one in found.staged}
    return [InstalledExtension(**one.model_dump(), staged=staged.get(one.app_id)) for one in found.extensions]


ENVIRONMENTS = Noun(
    name="environments",
    one="environment",
    view=EnvironmentSnapshot,
    filters=("project", "environment_kind", "status"),
    order=lambda one: (one.project, one.environment),
    columns=(
        ("ENVIRONMENT", _field("environment")),
        ("PROJECT", _field("project")),
        ("KIND", _field("environment_kind")),
        ("STATUS", _field("status")),
        ("HEALTH", _field("health.level")),
        ("UPDATE", _field("running.name")),
        ("APPLICATION", _field("running.contents.application_version")),
        ("OPERATION", _field("operation.operation")),
    ),
    rows=_environment,
)

EXTENSIONS = Noun(
    name="extensions",
    one="extension",
    view=EnvironmentSnapshot,
    of_environment=True,
    lines=Lines(_installed),
    columns=(
        ("NAME", _field("name")),
        ("PUBLISHER", _field("publisher")),
        ("VERSION", _field("version")),
        ("STAGED", lambda one: f"{one.staged.extension.version} {one.staged.stage_for}" if one.staged else ""),
        ("SCOPE", _field("scope")),
        ("APP_ID", _field("app_id")),
    ),
)

HISTORY = Noun(
    name="history",
    one="operation",
    view=OperationSnapshot,
    of_environment=True,
    filters=("operation_kind", "outcome"),
    order=lambda one: (one.accepted_at, one.entry),
    backwards=True,
    columns=(
        ("FINISHED", _field("finished_at")),
        ("OPERATION", _field("operation_kind")),
        ("UPDATE", _field("update_name")),
        ("OUTCOME", _field("outcome")),
        ("REASON", _reason),
        ("SIGNED OFF", _field("sign_off")),
        ("ID", _field("operation")),
    ),
)

# -- packages, images, releases


def _package(package: PackageSnapshot) -> Sequence[Row]:
    rows: list[Row] = [("package", package.package), ("status", package.status), *_problem(package)]
    if contents := package.contents:
        rows += [
            ("kind", contents.kind),
            ("platform", contents.platform_version or "not stated"),
            ("application", contents.application_version or "not stated"),
            ("modules", _modules(contents.modules) or "-"),
            ("vendor's modules", len(contents.platform_modules)),
            ("removed modules", ", ".join(contents.removed_modules) or "-"),
        ]
    rows += [("file", package.file_name), ("content", package.artifact.digest), ("size", package.artifact.size)]
    if package.merged_from:
        rows.append(("merged from", ", ".join(package.merged_from)))
    if judged := package.judged:
        rows += [
            ("checked", judged.checked_at),
            ("against release", judged.release or "none: no release of its platform version is known"),
            ("found", f"{counted(judged.errors, 'error')}, {counted(judged.warnings, 'warning')}"),
            ("report", judged.report.digest),
        ]
    for finding in package.findings:
        place = f"{finding.path}: " if finding.path else ""
        rows.append((f"{finding.severity.value} {finding.rule}", f"{place}{finding.message}. {finding.fix}"))
    return rows


PACKAGES = Noun(
    name="packages",
    one="package",
    view=PackageSnapshot,
    filters=("project", "status"),
    columns=(
        ("PACKAGE", _field("package")),
        ("STATUS", _field("status")),
        ("KIND", _field("contents.kind")),
        ("PLATFORM", _field("contents.platform_version")),
        ("APPLICATION", _field("contents.application_version")),
        ("FILE", _field("file_name")),
    ),
    rows=_package,
)

IMAGES = Noun(
    name="images",
    one="image",
    view=ImageSnapshot,
    order=lambda one: (one.built_at, one.image),
    columns=(
        ("IMAGE", _field("image")),
        ("UPDATE", _field("update_name")),
        ("PLATFORM", _field("contents.platform_version")),
        ("APPLICATION", _field("contents.application_version")),
        ("PACKAGE", _field("contents.customization_package")),
        ("DROPPED", lambda one: ", ".join(one.contents.dropped)),
        ("BUILT", _field("built_at")),
    ),
)

RELEASES = Noun(
    name="releases",
    one="release",
    view=ReleaseSnapshot,
    order=lambda one: tuple(tuple(-number for number in part) for part in release_order(one)),
    columns=(
        ("RELEASE", _field("version")),
        ("APPLICATION", _field("application_version")),
        ("PLATFORM", _field("platform_version")),
        ("BASE", _field("base_version")),
        ("PACKAGE", _field("package")),
        ("MODULE LIST", lambda one: "yes" if one.modules else "no"),
        ("PUBLISHED", _field("published_at")),
    ),
)

# -- candidates, promotions, rollouts

CANDIDATES = Noun(
    name="candidates",
    one="candidate",
    view=CandidateSnapshot,
    filters=("project", "environment"),
    order=lambda one: (one.marked_at, one.candidate),
    columns=(
        ("SANDBOX", _field("environment")),
        ("UPDATE", _field("update.name")),
        ("APPLICATION", _field("update.contents.application_version")),
        ("PROMOTABLE", lambda one: "no" if one.update.contents.dropped else "yes"),
        ("MARKED", _field("marked_at")),
        ("BY", _field("actor")),
        ("IMAGE", _field("update.image")),
    ),
)


def _promotion(found: PromotionSnapshot) -> Sequence[Row]:
    return [
        ("promotion", found.promotion),
        ("environment", found.environment),
        ("status", found.status),
        ("update", f"{found.sandbox}/{found.update.name}"),
        ("image", found.update.image),
        ("downtime", found.downtime.start if found.downtime else None),
        ("until", found.downtime.end if found.downtime else None),
        ("operation", found.operation),
        ("by", found.actor),
        *_problem(found),
    ]


PROMOTIONS = Noun(
    name="promotions",
    one="promotion",
    view=PromotionSnapshot,
    filters=("project", "environment", "status"),
    order=lambda one: (one.downtime.start if one.downtime else _LATE, one.promotion),
    columns=(
        ("ENVIRONMENT", _field("environment")),
        ("UPDATE", lambda one: f"{one.sandbox}/{one.update.name}"),
        ("STATUS", _field("status")),
        ("DOWNTIME", _field("downtime.start")),
        ("UNTIL", _field("downtime.end")),
        ("REASON", _reason),
        ("ID", _field("promotion")),
    ),
    rows=_promotion,
)

ROLLOUTS = Noun(
    name="rollouts",
    one="rollout",
    view=RolloutSnapshot,
    filters=("project", "status"),
    columns=(
        ("ENVIRONMENT", _field("rollout")),
        ("RELEASE", _field("release")),
        ("STATUS", _field("status")),
        ("START", _field("start")),
        ("END", _field("end")),
        ("REMOVES", lambda one: ", ".join(one.remove_extensions)),
        ("REASON", _reason),
    ),
)

# -- extensions and their bases

BASES = Noun(
    name="bases",
    one="base",
    view=BaseSnapshot,
    filters=("status",),
    columns=(("BASE", _field("base")), ("STATUS", _field("status")), ("PROBLEM", _field("problem.message"))),
)

CHECKS = Noun(
    name="checks",
    one="check",
    view=CheckSnapshot,
    filters=("project", "environment", "status", "base"),
    columns=(
        ("ENVIRONMENT", _field("environment")),
        ("SET", _field("set_version")),
        ("BASE", _field("base")),
        ("STATUS", _field("status")),
        ("VERDICT", _field("verdict")),
        ("CHECKED", _field("checked_at")),
        ("REASON", _reason),
        ("ID", _field("check")),
    ),
)


class RemediationRow(Remediation):
    """A remediation, and where it is."""

    environment: EnvironmentId
    project: ProjectId

    @property
    def key(self) -> str:
        """`<environment>/<app id>/<target major>`."""
        return f"{self.environment}/{self.extension.app_id}/{self.target_major}"


def _remediations(view: RemediationsSnapshot) -> Iterable[RemediationRow]:
    return [
        RemediationRow(environment=view.environment, project=view.project, **dict(one)) for one in view.remediations
    ]


def _by_removal(one: RemediationRow) -> tuple[bool, datetime, str]:
    """What is removed first stands first, what has ended last."""
    return one.status is RemediationStatus.ENDED, one.dates.removal_due_at or _LATE, one.key


REMEDIATIONS = Noun(
    name="remediations",
    one="remediation",
    view=RemediationsSnapshot,
    filters=("project", "environment"),
    lines=Lines(_remediations, order=_by_removal, over=lambda one: one.status is RemediationStatus.ENDED),
    columns=(
        ("ENVIRONMENT", _field("environment")),
        ("EXTENSION", lambda one: f"{one.extension.name} {one.extension.version}"),
        ("TARGET", _field("target_major")),
        ("STATUS", lambda one: f"{one.status.value} ({one.ending.value})" if one.ending else one.status),
        ("FIRST TOLD", lambda one: "nobody to tell" if one.unreachable else one.dates.first_notified_at),
        ("REMOVAL", _field("dates.removal_due_at")),
        ("REMINDERS", _field("reminders")),
        ("BASE", _field("base")),
        ("APP_ID", _field("extension.app_id")),
    ),
)

REMEDIATION_POLICIES = Noun(
    name="remediation-policies",
    one="remediation-policy",
    view=RemediationPolicySnapshot,
    filters=("project",),
    columns=(
        ("PROJECT", _field("project")),
        ("REGIME", _field("policy.regime")),
        ("REMOVAL DAYS", _field("policy.removal_days")),
        ("WITHOUT RECIPIENT", _field("policy.without_recipient")),
    ),
)

# -- who is told, and what nobody could process


def recipient_words(recipient: Recipient) -> str:
    """An address, and what it is told of if that is not everything."""
    return f"{recipient.address} ({recipient.environment} only)" if recipient.environment else recipient.address


AUDIENCES = Noun(
    name="audiences",
    one="audience",
    group="notify",
    view=AudienceSnapshot,
    filters=("project",),
    columns=(
        ("PROJECT", _field("project")),
        ("RECIPIENTS", lambda one: ", ".join(map(recipient_words, one.recipients))),
    ),
    rows=lambda found: [(found.project, recipient_words(one)) for one in found.recipients],
)

NOTIFICATIONS = Noun(
    name="notifications",
    one="notification",
    view=NotificationSnapshot,
    filters=("project", "environment", "occasion"),
    columns=(
        ("ENVIRONMENT", _field("environment")),
        ("OCCASION", _field("occasion")),
        ("SUBJECT", _field("subject")),
        ("TOLD", lambda one: ", ".join(f"{to.address} ({to.status.value})" for to in one.deliveries)),
        ("ID", _field("notification")),
    ),
)

DEAD_LETTERS = Noun(
    name="dead-letters",
    one="dead-letter",
    group="dead-letters",
    view=DeadLetter,
    filters=("service",),
    order=lambda one: (one.dead_since, one.letter_id),
    backwards=True,
    columns=(
        ("SINCE", _field("dead_since")),
        ("SERVICE", _field("service")),
        ("TYPE", _field("message_type")),
        ("REASON", _field("reason")),
        ("MESSAGE", _field("message")),
        ("ID", _field("letter_id")),
    ),
)

NOUNS: tuple[Noun[Any], ...] = (
    ENVIRONMENTS,
    EXTENSIONS,
    HISTORY,
    PACKAGES,
    IMAGES,
    CANDIDATES,
    PROMOTIONS,
    RELEASES,
    BASES,
    CHECKS,
    REMEDIATIONS,
    REMEDIATION_POLICIES,
    ROLLOUTS,
    AUDIENCES,
    NOTIFICATIONS,
    DEAD_LETTERS,
)
