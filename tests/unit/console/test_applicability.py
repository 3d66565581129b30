"""Which packages go onto an environment, and which release it is behind."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.applicability import busy, listed, newest_release
from shared.contracts.package_validator import PackageSnapshot, PackageStatus
from shared.contracts.parts import ArtifactRef, EnvironmentKind, Module, PackageContents, PackageKind
from shared.contracts.promotion_scheduler import ReleaseSnapshot
from shared.contracts.servicing_executor import EnvironmentSnapshot, EnvironmentStatus
from tests.support.played_services import environment, operation, update

PLATFORM, APPLICATION = "7.0.7690.21", "10.0.2177.37"  # what the environment runs
SALES, WAREHOUSE = "ContosoSales", "ContosoWarehouse"


def package(
    kind: PackageKind = PackageKind.CUSTOMIZATION,
    *,
    name: str = "p-1/package",
    status: PackageStatus = PackageStatus.VALID,
    modules: tuple[str, ...] = (SALES, WAREHOUSE),
    **contents: Any,
) -> PackageSnapshot:
    """A package that goes onto the environment, but for what is said."""
    found = PackageContents(
        **{
            "kind": kind,
            "modules": tuple(Module(name=one, version="1.0.0.0") for one in modules),
            "platform_modules": (),
            "removed_modules": (),
            "platform_version": PLATFORM,
            "application_version": APPLICATION,
            **contents,
        }
    )
    return PackageSnapshot(
        package=name,
        project=name.partition("/")[0],
        status=status,
        artifact=ArtifactRef(digest=f"sha256:{'a' * 64}", size=1, media_type="application/zip"),
        file_name="package.zip",
        contents=found if status in (PackageStatus.VALID, PackageStatus.RETIRED) else None,
        findings=(),
        problem=None,
    )


def sandbox(**changes: Any) -> EnvironmentSnapshot:
    return environment("p-1-test", **{"project": "p-1", **changes})


CUSTOM, VENDORS, MERGED = PackageKind.CUSTOMIZATION, PackageKind.PLATFORM, PackageKind.MERGED


@pytest.mark.parametrize(
    ("one", "why_not"),
    [
        (package(), None),
        (package(platform_version="7.0.7606.108"), None),
        (package(platform_version=None), None),
        (package(application_version="10.0.1.1"), None),
        (package(platform_version="7.0.7690.100"), f"built for platform 7.0.7690.100, which is higher than {PLATFORM}"),
        (package(VENDORS), None),
        (package(VENDORS, application_version="10.0.10000.1"), None),
        (package(VENDORS, platform_version="7.0.999.9"), f"platform 7.0.999.9 is lower than {PLATFORM}"),
        (package(MERGED, application_version="10.0.960.24"), f"application 10.0.960.24 is lower than {APPLICATION}"),
        (package(status=PackageStatus.INVALID), "is invalid"),
        (package(status=PackageStatus.CHECKING), "is being checked"),
        (package(status=PackageStatus.CHECK_FAILED), "could not be checked"),
        (package(status=PackageStatus.QUARANTINED), "is set aside: its check was cut off each time"),
        (package(status=PackageStatus.RETIRED), "was retired"),
        (package(name="p-2/package"), "belongs to project p-2"),
    ],
)
def test_a_package_goes_onto_an_environment_or_it_is_said_why_not(one: PackageSnapshot, why_not: str | None) -> None:
    assert listed(one, sandbox()).why_not == why_not


def test_every_status_but_valid_has_a_reason_in_words() -> None:
    for status in PackageStatus:
        why_not = listed(package(status=status), sandbox()).why_not
        assert (why_not is None) == (status is PackageStatus.VALID)
        assert why_not != f"is {status.value}" or status is PackageStatus.INVALID


def test_production_takes_no_package_and_one_that_runs_nothing_neither() -> None:
    production = sandbox(environment_kind=EnvironmentKind.PRODUCTION)
    assert listed(package(), production).why_not == "production takes promotions only: apply it to a sandbox"
    assert listed(package(), sandbox(running=None)).why_not == "p-1-test runs nothing yet"


@pytest.mark.parametrize(
    ("one", "remark"),
    [
        (package(name="contoso/contoso-2026.10"), "runs now"),
        (package(modules=("contososales",)), "lacks ContosoWarehouse: acknowledge to drop"),
        (package(modules=(SALES,), removed_modules=("contosowarehouse",)), ""),
        (package(VENDORS, modules=()), ""),
        (package(MERGED, modules=()), "lacks ContosoSales, ContosoWarehouse: acknowledge to drop"),
    ],
)
def test_what_there_is_to_know_of_a_package_that_can_be_applied(one: PackageSnapshot, remark: str) -> None:
    assert listed(one, sandbox(project=one.project)).remark == remark


def test_an_environment_is_busy_while_an_operation_runs_or_it_is_not_deployed() -> None:
    assert busy(sandbox()) is None
    assert busy(sandbox(operation=operation("o-1"))) == "apply o-1 runs on p-1-test"
    assert busy(sandbox(status=EnvironmentStatus.IN_MAINTENANCE)) == "p-1-test is InMaintenance"


def release(version: str, application: str, platform: str = PLATFORM) -> ReleaseSnapshot:
    return ReleaseSnapshot(
        version=version,
        package=f"contoso/vendor-{version}",
        platform_version=platform,
        application_version=application,
        base_version=None,
        published_at=datetime(2026, 11, 21, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("releases", "newest"),
    [
        ((), None),
        ((release("10.0.44", APPLICATION),), None),
        ((release("10.0.43", "10.0.2100.1"),), None),
        ((release("10.0.45", "10.0.2345.9"),), "10.0.45"),
        ((release("10.0.45", "10.0.2345.9"), release("10.0.46", "10.0.10000.1")), "10.0.46"),
        ((release("10.0.46", "10.0.10000.1"), release("10.0.45", "10.0.2345.9")), "10.0.46"),
        ((release("10.0.45", "10.0.2345.9", "7.0.7606.108"),), None),
        ((release("10.0.45", "10.0.2345.9"), release("10.0.45.1", "10.0.2345.9", "7.0.7691.1")), "10.0.45.1"),
    ],
)
def test_the_newest_release_ahead_of_what_runs_is_the_one(
    releases: tuple[ReleaseSnapshot, ...], newest: str | None
) -> None:
    found = newest_release(update(), releases)
    assert (found.version if found else None) == newest


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12)), max_size=6), st.randoms())
def test_the_order_in_which_releases_are_known_does_not_matter(numbers: list[tuple[int, int]], shuffle: Any) -> None:
    releases = [release(f"{major}.{minor}", f"{major + 10}.0.{minor}.1") for major, minor in set(numbers)]
    first = newest_release(update(), releases)
    shuffle.shuffle(releases)
    assert newest_release(update(), releases) == first
