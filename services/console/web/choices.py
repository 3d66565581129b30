"""What a person may choose for an environment, over HTTP: packages that go onto it, and the release it is behind."""

from fastapi import APIRouter

from services.console.applicability import AvailableRelease, ListedPackage, available_release, listed
from services.console.web import API
from services.console.web.feed import Feed
from services.console.web.problems import PROBLEMS, Refusal, not_found
from shared.contracts.package_validator import PackageSnapshot
from shared.contracts.promotion_scheduler import ReleaseSnapshot
from shared.contracts.servicing_executor import EnvironmentSnapshot


def choice_routes(feed: Feed) -> APIRouter:
    """The routes that hold what there is against an environment."""
    router = APIRouter(prefix=f"{API}/environments", tags=["views"], responses=PROBLEMS)
    projection = feed.projection

    def environment_of(key: str) -> EnvironmentSnapshot:
        found = projection.get(EnvironmentSnapshot, key)
        if found is None:
            raise not_found("environment", key)
        return found

    @router.get(
        "/{key}/packages",
        operation_id="list-applicable-packages",
        summary="The packages of the environment's project, and why each cannot be applied to it",
    )
    async def packages(key: str, all: bool = False) -> list[ListedPackage]:  # noqa: A002 - the name in the address
        environment = environment_of(key)
        own = sorted(
            (one for one in projection.all(PackageSnapshot) if one.project == environment.project),
            key=lambda one: one.package,
        )
        return [one for one in (listed(package, environment) for package in own) if all or one.why_not is None]

    @router.get(
        "/{key}/available-release",
        operation_id="show-available-release",
        summary="The one newest release that the environment is behind",
    )
    async def available(key: str) -> AvailableRelease:
        environment = environment_of(key)
        if environment.running is None:
            raise Refusal(409, "RUNS_NOTHING", f"{key} runs nothing: it is {environment.status.value}")
        return available_release(
            environment, environment.running, projection.all(ReleaseSnapshot), projection.all(PackageSnapshot)
        )

    return router
