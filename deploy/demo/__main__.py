"""`make demo`: the main job, with the commands a user would type, on everything that `drydock dev` runs."""

import email
import email.policy
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import NoReturn

from deploy.demo.packages import CUSTOMIZATION_V1, CUSTOMIZATION_V2, FAILING, PACKAGES, PLATFORM
from deploy.embedded import EnginesError
from deploy.stack import Stack, StackError

PROJECT = "contoso"
SANDBOX = "contoso-test"
PRODUCTION = "contoso-prod"
MAILBOX = "erp-team@contoso.example"
DOWNTIME_IN = timedelta(seconds=15)
ROLLED_BACK, INVALID = 5, 1
DRYDOCK = Path(sys.executable).with_name("drydock")


class TourFailedError(Exception):
    """A command of the tour did not end as it should."""


@dataclass
class Tour:
    """The commands of the tour, one after the other."""

    data: Path
    began: float

    def say(self, text: str) -> None:
        """A line of the story."""
        print(f"\n== {time.monotonic() - self.began:6.1f} s  {text}", flush=True)

    def run(self, *arguments: str, expected: int = 0) -> str:
        """Type a command; what it printed. Raise TourFailedError if it ends with another code than expected."""
        shown = " ".join(f'"{one}"' if " " in one else one for one in arguments)
        print(f"$ drydock {shown}", flush=True)
        done = subprocess.run(
            [DRYDOCK, *arguments],
            env={**os.environ, "DRYDOCK_DATA": str(self.data)},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        print(done.stdout, end="", flush=True)
        if done.returncode != expected:
            raise TourFailedError(f"`drydock {shown}` ended with {done.returncode}, not {expected}")
        return done.stdout

    def take(self) -> None:
        """Everything from upload to production."""
        folder = self.data / "packages"
        folder.mkdir(parents=True, exist_ok=True)
        files = {package.name: package.write(folder) for package in PACKAGES}

        self.say("Who is told, and what there is to apply: packages are uploaded and validated.")
        self.run("notify", "add", PROJECT, MAILBOX)
        for file in files.values():
            self.run("package", "submit", str(file), "--project", PROJECT, "--wait")
        wrapped = str(self._wrapped(files[PLATFORM.name]))
        self.run("package", "submit", wrapped, "--project", PROJECT, "--wait", expected=INVALID)

        self.say("Two environments are provisioned from the platform, each with a database and three services.")
        for environment, kind in ((SANDBOX, "sandbox"), (PRODUCTION, "production")):
            self.run(
                *("environment", "register", environment, "--project", PROJECT, "--kind", kind),
                *("--package", f"{PROJECT}/{PLATFORM.name}", "--wait"),
            )

        self.say("The customization goes to the sandbox.")
        self._apply(CUSTOMIZATION_V1.name, "October release")

        self.say("A bad one follows: its migration fails half-way. Image and database go back, without a person.")
        self._apply(FAILING.name, "December preview", expected=ROLLED_BACK)

        self.say("The next release is applied, signed off, and marked as release candidate.")
        self._apply(CUSTOMIZATION_V2.name, "November release")
        update = f"{SANDBOX}/November release"
        self.run("update", "sign-off", update, "--note", "tested by the key users")
        self.run("update", "mark-candidate", update)

        self.say("The very same image is promoted to production, in a scheduled downtime.")
        start = (datetime.now(UTC) + DOWNTIME_IN).isoformat(timespec="seconds")
        self.run("promotion", "schedule", update, "--to", PRODUCTION, "--start", start, "--yes")
        self.run("promotion", "wait", self._promotion(PRODUCTION), "--timeout", "180")

        self.say("What is left: both histories, and the mails that were sent.")
        self.run("environment", "list")
        self.run("environment", "history", SANDBOX)
        self.run("environment", "history", PRODUCTION)
        self._show_mails()

    def _apply(self, package: str, name: str, *, expected: int = 0) -> None:
        self.run(
            *("update", "apply", f"{PROJECT}/{package}", "--to", SANDBOX, "--name", name, "--wait"),
            expected=expected,
        )

    def _promotion(self, environment: str) -> str:
        """Id of the latest promotion of an environment."""
        listed = self.run("promotion", "list", "-o", "id").split()
        return next(one for one in reversed(listed) if one.startswith(f"{environment}/"))

    def _wrapped(self, package: Path) -> Path:
        """A package inside of another zip: what an upload by hand often is."""
        path = package.with_name("zipped-twice.zip")
        with zipfile.ZipFile(path, "w") as outer:
            outer.writestr(zipfile.ZipInfo(package.name, (1980, 1, 1, 0, 0, 0)), package.read_bytes())
        return path

    def _show_mails(self) -> None:
        for path in sorted((self.data / "mail").glob("**/*.eml"), key=lambda one: one.stat().st_mtime):
            message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            print(f"mail to {message['To']}: {message['Subject']}")


def main() -> int:
    """Run the tour; the exit code."""
    began = time.monotonic()
    data = Path(os.environ.get("DRYDOCK_DATA") or ".drydock/demo").absolute()
    signal.signal(signal.SIGTERM, _interrupt)
    tour = Tour(data, began)
    resumed = (data / "packages").exists()
    try:
        with Stack(data, say=lambda line: print(line, flush=True)) as stack:
            if not resumed:
                tour.take()
            else:
                tour.say("The demo was run on this folder before: here is where it stopped.")
                tour.run("environment", "list")
                tour.run("environment", "history", PRODUCTION)
            print(f"\nDashboard: {stack.record.console}\nMails:     {stack.record.mail}")
            print(f"Command line: DRYDOCK_DATA={data} {DRYDOCK} --help", flush=True)
            if sys.stdin.isatty():
                print("Everything keeps running; Ctrl-C ends it. A second `make demo` goes on here.", flush=True)
                threading.Event().wait()
    except (TourFailedError, StackError, EnginesError, OSError) as error:
        print(f"\nThe demo failed: {error}\nLogs: {data / 'logs'}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nEnded.", flush=True)
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
