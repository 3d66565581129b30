"""extension-compatibility-checker: which extensions work on which base."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field

from services.extension_compatibility_checker.base_indexes import BaseIndexes
from services.extension_compatibility_checker.domain import base, check
from services.extension_compatibility_checker.domain.work import ATTEMPTS
from services.extension_compatibility_checker.steps import Steps
from shared.artifacts.folder import FolderStore
from shared.contracts.extension_compatibility_checker import CheckCompatibility, PublishBase
from shared.contracts.registry import CATALOGUE
from shared.kernel.app import Aggregate, Fact, Load, On, OnTimer, OnWork, Service, Settings, make_service, run

BASES = Aggregate("bases", base.Base, view=base.base_view)
CHECKS = Aggregate("checks", check.Check, view=check.check_view)
BASE_ASKED = Load(check.BaseFacts, base=Fact(BASES, lambda asked, state: asked.base))
BASE_AWAITED = Load(check.BaseFacts, base=Fact(BASES, lambda timer, state: state.request.base if state else None))

INDEXING_LIMIT = timedelta(minutes=30)
CHECK_LIMIT = timedelta(minutes=8)
"""Below the time that an operation waits for the answer."""


class CheckerSettings(Settings):
    """What the checker needs to know beside what every service does."""

    artifacts: Path = Path(".drydock/artifacts")
    bases: Path = Path(".drydock/bases")
    """A cache of indexes; it may be removed at any time."""
    indexes_in_memory: int = Field(default=16, ge=1)
    """Packages of bases whose indexes stay in memory."""


def make(settings: Settings) -> Service:
    """The table of extension-compatibility-checker."""
    assert isinstance(settings, CheckerSettings)
    artifacts = FolderStore(settings.artifacts)
    steps = Steps(artifacts, BaseIndexes(settings.bases, artifacts, settings.indexes_in_memory))
    return make_service(
        "extension-compatibility-checker",
        CATALOGUE,
        On(PublishBase, BASES, base.publish),
        OnWork("indexing", BASES, steps.index, base.indexing_ended, limit=INDEXING_LIMIT, attempts=ATTEMPTS),
        On(CheckCompatibility, CHECKS, check.check, key=check.check_id, facts=BASE_ASKED),
        OnTimer("base", CHECKS, check.look_for_base, facts=BASE_AWAITED),
        OnWork("check", CHECKS, steps.check, check.checked, limit=CHECK_LIMIT, attempts=ATTEMPTS),
    )


if __name__ == "__main__":
    run(make, CheckerSettings())
