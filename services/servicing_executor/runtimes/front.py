"""The service of an environment that answers over HTTP, as an administrator asks it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx

from services.servicing_executor.runtimes.environment_folder import EnvironmentFolder
from services.servicing_executor.runtimes.port import ExtensionFile, StepFailedError

_LONGEST_REASON = 600


@dataclass(frozen=True, slots=True)
class FrontClient:
    """Every check raises StepFailedError where the answer is another, or there is none; it says what was answered."""

    place: EnvironmentFolder

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.place.port}"

    async def check_modules(self, expected: Mapping[str, str]) -> None:
        """It must report exactly these modules, by name and version, for the database and for the release."""
        reported = await self._ask("/modules")
        for place in ("database", "release"):
            if differences := _differences(expected, reported.get(place)):
                raise StepFailedError(f"the {place} does not have the image's modules: {differences}")

    async def check_extensions(self, extensions: Sequence[ExtensionFile]) -> None:
        """It must run exactly these; versions that differ in zeros at their ends only are the same."""
        reported = await self._ask("/extensions")
        expected = {one.app_id: one.version for one in extensions}
        if differences := _differences(expected, _padded(expected, reported.get("extensions"))):
            raise StepFailedError(f"the environment does not run the extensions that it has: {differences}")

    async def _ask(self, path: str) -> dict[str, object]:
        headers = {"Authorization": f"Bearer {self.place.administrator_token}"}
        try:
            async with httpx.AsyncClient(base_url=self.address, headers=headers, timeout=30, trust_env=False) as client:
                for asked in ("/health", path):
                    response = await client.get(asked)
                    if response.is_error:
                        raise StepFailedError(f"the environment answers GET {asked} with {_told(response)}")
                answer = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise StepFailedError(f"the environment does not answer at {self.address}: {error}") from error
        if not isinstance(answer, dict):
            raise StepFailedError(f"the environment answered GET {path} with something else than an object")
        return answer


def _told(response: httpx.Response) -> str:
    """Status and reason of a refusal: the text or the member `error` of its body, on one line."""
    try:
        body = response.json()
    except ValueError:
        body = None
    error = body.get("error") if isinstance(body, dict) else None
    reason = " ".join(str(error or response.text).split())
    shortened = reason if len(reason) <= _LONGEST_REASON else f"{reason[:_LONGEST_REASON]}..."
    return f"{response.status_code} {response.reason_phrase}: {shortened or 'without a reason'}"


def _differences(expected: Mapping[str, str], reported: object) -> str:
    if not isinstance(reported, dict):
        return "it reports none"
    lines = [
        f"{name} {expected.get(name, 'not expected')} is {reported.get(name, 'missing')}"
        for name in sorted(expected.keys() | reported.keys())
        if expected.get(name) != reported.get(name)
    ]
    return ", ".join(lines)


def _padded(expected: Mapping[str, str], reported: object) -> object:
    """What is reported, with versions as they are expected where they differ in zeros at their ends only."""
    if not isinstance(reported, dict):
        return reported
    return {
        name: expected[name] if name in expected and _bare(version) == _bare(expected[name]) else version
        for name, version in reported.items()
    }


def _bare(version: object) -> str:
    return re.sub(r"(\.0+)+$", "", str(version))
