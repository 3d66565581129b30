"""What messages of extension-compatibility-checker are made of."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from shared.contracts.extension_compatibility_checker.states import RemediationEnding, RemediationStatus
from shared.contracts.message import Count, Instant, Part
from shared.contracts.parts import MOST_EXTENSIONS, ArtifactRef, ExtensionName, Verdict
from shared.contracts.scalars import BaseId, Sentence


class Level(StrEnum):
    """From what a finding was decided."""

    MANIFEST = "manifest"
    SYMBOLS = "symbols"
    SOURCE = "source"


class FindingSeverity(StrEnum):
    """What follows from a finding."""

    BLOCKS = "blocks"
    WARNS = "warns"
    FORECAST = "forecast"
    """It will block on a later base."""


class ExtensionFinding(Part):
    """One thing in an extension that does not work, or will not."""

    code: str = Field(pattern=r"^[A-Z][A-Z0-9]{1,19}$")
    """Diagnostic code: the compiler's or the analyzer's where they have one, else it begins with `DRYDOCK`."""
    severity: FindingSeverity
    level: Level
    file: str = Field(max_length=500)
    """Path inside the package; empty if the whole package is meant."""
    line: int | None = Field(ge=1)
    column: int | None = Field(ge=1)
    symbol: str = Field(max_length=500)
    """What of the base it is about; empty for a rule of the manifest."""
    before: str = Field(default="", max_length=500)
    """How the base in use declares it; empty if that is not known, or it does not."""
    after: str = Field(default="", max_length=500)
    """How the next base declares it; empty if it does not."""
    message: Sentence
    suggestion: str = Field(max_length=500)
    """What to write instead; empty if none is known."""


Findings = Annotated[tuple[ExtensionFinding, ...], Field(max_length=50)]


class ExtensionVerdict(ExtensionName):
    """What a check says about one extension.

    What is undecided in its tests alone leaves the verdict to what customers run; a test that does not compile makes
    it incompatible, because an extension is compiled as a whole.
    """

    verdict: Verdict
    tests: Verdict | None = None
    """What is said of the code that only tests it; None if it has none."""
    blocking: Count
    """How many findings block."""
    warnings: Count = 0
    """How many warn."""
    forecasts: Count = 0
    """How many will block on a later base."""
    summary: str = Field(max_length=500)
    """The first reason for the verdict, in a sentence; it says so where that lies in tests alone.

    Of a `compatible` one what its tests leave undecided; empty if that is nothing.
    """


Verdicts = Annotated[tuple[ExtensionVerdict, ...], Field(max_length=MOST_EXTENSIONS)]


class Regime(StrEnum):
    """What decides when an incompatible extension is removed."""

    AFTER_NOTIFICATION = "after-notification"
    """`removal_days` after somebody was told first."""
    RELEASE_PERIODS = "release-periods"
    """After the update and grace periods that begin with the release's general availability."""
    NEVER = "never"
    """It is told, and nothing more."""


class WithoutRecipient(StrEnum):
    """What happens while nobody can be told."""

    WAIT = "wait"
    """No clock runs; it is recorded and shown."""
    FROM_DETECTION = "from-detection"
    """The clock runs from the check that found it."""


class RemediationPolicy(Part):
    """What becomes of extensions that stay incompatible with the next version."""

    regime: Regime = Regime.AFTER_NOTIFICATION
    removal_days: int = Field(default=90, ge=1, le=730)
    """Days from the first accepted notification to the removal; the two other regimes do not ask for it."""
    update_months: int = Field(default=5, ge=0, le=24)
    """Months from general availability in which the update's date is the customer's choice."""
    grace_months: int = Field(default=1, ge=0, le=24)
    """Months after that in which it can no longer be postponed; then it is enforced."""
    reminder_days: tuple[Annotated[int, Field(ge=1, le=730)], ...] = Field(default=(60, 30, 14, 7, 1), max_length=20)
    """Days before the removal at which recipients are reminded."""
    without_recipient: WithoutRecipient = WithoutRecipient.WAIT


class RemediationDates(Part):
    """The dates of a remediation."""

    detected_at: Instant
    first_notified_at: Instant | None
    """When the first recipient's mail server accepted a mail about it; None: nobody was told."""
    removal_due_at: Instant | None
    """None while no clock runs, and under a policy that never removes."""


class Remediation(Part):
    """One extension that does not work with the next version of the base, and what is being done about it."""

    extension: ExtensionName
    """In the version that was judged last."""
    base: BaseId
    """The base it was judged against last."""
    target_major: Count
    status: RemediationStatus
    dates: RemediationDates
    reminders: Count
    """How often recipients were reminded."""
    unreachable: bool
    """There was nobody to tell."""
    set_version: Count
    report: ArtifactRef | None
    ending: RemediationEnding | None
