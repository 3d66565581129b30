"""compose.yaml and the Dockerfile name what is really there. Whether Docker takes them is asked where it can answer."""

import importlib.util
import shutil
import subprocess
import sys
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # it ships no types

from services.console.app import ConsoleSettings
from services.extension_compatibility_checker.app import CheckerSettings
from services.image_builder.app import BuilderSettings
from services.notifier.app import NotifierSettings
from services.package_validator.app import ValidatorSettings
from services.promotion_scheduler.app import SchedulerSettings
from services.servicing_executor.app import ExecutorSettings
from shared.contracts.topics import SERVICES
from shared.kernel.app import Settings
from shared.ports import free_port
from tests.support.engines import KAFKA_IMAGE, MONGO_IMAGE

ROOT = Path(__file__).parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
PARTS: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8")
SETTINGS: dict[str, type[Settings]] = {
    "package-validator": ValidatorSettings,
    "image-builder": BuilderSettings,
    "servicing-executor": ExecutorSettings,
    "promotion-scheduler": SchedulerSettings,
    "extension-compatibility-checker": CheckerSettings,
    "notifier": NotifierSettings,
    "console": ConsoleSettings,
}
OURS = [*SETTINGS, "mail-catcher"]


def seconds(text: str) -> int:
    assert text.endswith("s")
    return int(text.removesuffix("s"))


def test_compose_runs_the_engines_the_six_services_the_console_and_a_mail_catcher() -> None:
    assert set(PARTS) == {"kafka", "mongo", *SERVICES, "console", "mail-catcher"}


def test_the_engines_are_those_of_the_tests() -> None:
    assert (PARTS["kafka"]["image"], PARTS["mongo"]["image"]) == (KAFKA_IMAGE, MONGO_IMAGE)


@pytest.mark.parametrize("name", OURS)
def test_every_part_of_ours_is_built_from_one_image_and_runs_a_module_that_exists(name: str) -> None:
    part = PARTS[name]
    assert (part["image"], part["build"]["dockerfile"]) == ("drydock", "deploy/Dockerfile")
    python, option, module, *_ = part["command"]
    assert (python, option) == ("python", "-m")
    assert importlib.util.find_spec(module)
    assert (ROOT / part["build"]["dockerfile"]).is_file()


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "servicing-executor"])
def test_a_service_is_its_own_module_and_can_be_scaled(name: str) -> None:
    assert PARTS[name]["command"] == ["python", "-m", f"services.{name.replace('-', '_')}.app"]
    assert not {"container_name", "ports", "hostname"} & set(PARTS[name])


def test_the_executor_brings_its_environments_along_and_cannot_be_scaled_by_mistake() -> None:
    part = PARTS["servicing-executor"]
    assert part["command"] == ["python", "-m", "deploy.stack.executor"]
    assert "container_name" in part


@pytest.mark.parametrize("name", SETTINGS)
def test_every_variable_is_a_setting_of_its_service_with_a_value_that_it_takes(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, str] = PARTS[name]["environment"]
    assert {key.removeprefix("DRYDOCK_").lower() for key in given} <= set(SETTINGS[name].model_fields)
    for key, value in given.items():
        monkeypatch.setenv(key, value)
    settings = SETTINGS[name]()
    assert settings.kafka.partition(":")[0] in PARTS
    assert settings.mongo.get_secret_value().removeprefix("mongodb://").partition(":")[0] in PARTS


@pytest.mark.parametrize("name", SETTINGS)
def test_every_folder_that_a_service_is_told_of_is_a_volume_that_its_user_owns(name: str) -> None:
    folders = {value for value in PARTS[name]["environment"].values() if value.startswith("/")}
    mounted = dict(reversed(volume.split(":")) for volume in PARTS[name].get("volumes", []))
    assert folders == set(mounted)
    assert set(mounted.values()) <= set(COMPOSE["volumes"])
    created = next(line for line in DOCKERFILE.splitlines() if "install -d" in line).split()
    assert folders <= set(created)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_service_is_ready_when_its_own_port_says_so_and_waits_for_its_engines(name: str) -> None:
    part = PARTS[name]
    probe = part["healthcheck"]["test"]
    assert f":{part['environment']['DRYDOCK_PORT']}/readyz" in probe[-1]
    for engine in ("kafka", "mongo"):
        assert part["depends_on"][engine] == {"condition": "service_healthy"}
    assert part["restart"] == "unless-stopped"
    # Five seconds after `stop_within` the process ends itself hard.
    stop_within = SETTINGS[name]().stop_within
    assert timedelta(seconds=seconds(part["stop_grace_period"])) > stop_within + timedelta(seconds=5)


@pytest.mark.parametrize("name", OURS)
def test_a_health_check_fails_where_nothing_listens(name: str) -> None:
    command, python, option, code = PARTS[name]["healthcheck"]["test"]
    assert (command, python, option) == ("CMD", "python", "-c")
    nowhere = code.replace("8080", str(free_port())).replace("1025", str(free_port()))
    assert nowhere != code
    assert subprocess.run([sys.executable, "-c", nowhere], stderr=subprocess.DEVNULL, check=False).returncode == 1


def test_mails_go_to_the_catcher() -> None:
    environment, command = PARTS["notifier"]["environment"], PARTS["mail-catcher"]["command"]
    assert environment["DRYDOCK_SMTP_HOST"] == "mail-catcher"
    assert environment["DRYDOCK_SMTP_PORT"] == command[command.index("--port") + 1]
    shown = subprocess.run([sys.executable, "-m", *command[2:3], "--help"], capture_output=True, text=True, check=True)
    assert {word for word in command if word.startswith("--")} <= set(shown.stdout.split())


def test_nothing_is_published_beyond_this_machine() -> None:
    published = [port for part in PARTS.values() for port in part.get("ports", [])]
    assert published == ["127.0.0.1:19092:19092", "127.0.0.1:8080:8080"]


def test_the_console_answers_under_the_name_that_its_published_port_has() -> None:
    assert "127.0.0.1" in ConsoleSettings().hosts


def test_the_image_installs_locked_packages_only_and_does_not_run_as_root() -> None:
    installs = [line for line in DOCKERFILE.splitlines() if "pip install" in line]
    assert len(installs) == 3
    assert sum("--require-hashes" in line for line in installs) == 2
    assert sum("--no-index" in line for line in installs) == 1
    assert DOCKERFILE.count("python:3.11-slim") == 2
    last = DOCKERFILE.rpartition("FROM ")[2]
    assert "\nUSER drydock\n" in last


def test_the_locked_build_backend_is_the_one_of_the_project() -> None:
    (required,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert (ROOT / "deploy/requirements/build.lock").read_text().startswith(f"{required} ")


def test_what_the_dockerfile_copies_is_not_ignored() -> None:
    kept = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().split() if line.startswith("!")}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    needed = {*packages, "pyproject.toml", project["project"]["readme"], *project["project"]["license-files"]}
    assert needed <= kept
    assert all((ROOT / path).exists() for path in kept)


def test_docker_compose_accepts_the_file() -> None:
    if not shutil.which("docker") or subprocess.run(["docker", "compose", "version"], capture_output=True).returncode:
        pytest.skip("docker has no compose plugin here")
    done = subprocess.run(
        ["docker", "compose", "--file", "compose.yaml", "config", "--quiet"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
