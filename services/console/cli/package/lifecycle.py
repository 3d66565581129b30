"""`drydock package retire|revalidate|combine`: what becomes of packages that were submitted."""

from typing import Annotated

import typer

from services.console.cli.options import Timeout
from services.console.cli.package.check import INVALID, UNDECIDED, VALID
from services.console.cli.package.files import Take, taken_modules
from services.console.cli.package.submitting import VERDICTS
from services.console.cli.printing import Form, Output, print_one, when
from services.console.cli.running import run, tell
from services.console.installation import Installation
from shared.contracts.envelope import new_id
from shared.contracts.message import Command, Message
from shared.contracts.package_validator import (
    Judged,
    MergePackages,
    PackageCheckFailed,
    PackageMergeFailed,
    PackageQuarantined,
    PackageRejected,
    PackageRetired,
    PackageSubmitted,
    PackageValidated,
    RetirePackage,
    RevalidatePackage,
    TakenModule,
)

_MERGE_REFUSED = "MERGE_REFUSED"

Verdict = PackageValidated | PackageRejected | PackageCheckFailed | PackageQuarantined

PackageName = Annotated[
    str, typer.Argument(metavar="PROJECT/NAME", help="The package, as it was submitted.", show_default=False)
]
Wait = Annotated[bool, typer.Option("--wait", help="Wait for the verdict; exits as `check` does.")]


def retire(
    package: PackageName,
    note: Annotated[str, typer.Option(help="Why, for those who look for it.")] = "",
    timeout: Timeout = None,
    output: Output = Form.TABLE,
) -> None:
    """Offer a package no longer. Images that hold it still run and can be promoted; its file stays."""
    command = RetirePackage(package=package, note=note)
    event = run(lambda there: there.client.ask(command, PackageRetired), timeout=timeout)
    print_one(
        event, output, [("package", event.package), ("status", "retired"), ("by", event.actor), ("note", event.note)]
    )


def revalidate(package: PackageName, wait: Wait = False, timeout: Timeout = None, output: Output = Form.TABLE) -> None:
    """Check a package again: with the rules and releases of today, or to take it out of quarantine.

    The verdict that it has stands until there is another. With --wait exits with 0 if the package is valid, 1 if it
    is invalid, 10 if it could not be decided.
    """
    event = run(lambda there: _follow(there, RevalidatePackage(package=package), package, wait), timeout=timeout)
    _end(event, output)


def combine(
    package: Annotated[
        str, typer.Argument(metavar="PROJECT/NAME", help="The package that is made.", show_default=False)
    ],
    sources: Annotated[
        list[str],
        typer.Argument(metavar="PROJECT/SOURCE...", help="Two or more valid packages of it.", show_default=False),
    ],
    take: Take = None,
    wait: Wait = False,
    timeout: Timeout = None,
    output: Output = Form.TABLE,
) -> None:
    """Make one package of submitted ones, and have it checked. Files are merged with `drydock package merge`.

    Exits with 1 if the packages do not go together, 10 if they could not be merged by a fault of Drydock; with --wait
    then as `check` does.
    """
    project = package.partition("/")[0]
    taken = tuple(
        TakenModule(module=module, package=name if "/" in name else f"{project}/{name}")
        for module, name in taken_modules(take).items()
    )
    command = MergePackages(package=package, sources=tuple(sources), take=taken)
    event = run(lambda there: _follow(there, command, package, wait), timeout=timeout)
    _end(event, output)


async def _follow(installation: Installation, command: Command, package: str, wait: bool) -> Message:
    """The answer to a command, or with `wait` the verdict that comes after it.

    A verdict may be another command's: while a check runs, that one is the answer to everybody.
    """
    client, id_ = installation.client, new_id()
    accepted = False
    with client.waiting_for(f"{command.owner} to answer") as reminder:
        async with client.sending(command, id_=id_) as events:
            async for envelope in events:
                event = envelope.data
                if event.key != package:
                    continue
                is_answer = envelope.causation == id_ or _is_of_same_merge(event, command)
                if isinstance(event, VERDICTS) and (is_answer or accepted):
                    return event
                if is_answer and isinstance(event, PackageMergeFailed):
                    return event
                if is_answer and isinstance(event, PackageSubmitted):
                    if not wait:
                        return event
                    reminder.cancel()
                    tell(_waiting(event))
                    accepted = True
    raise AssertionError("a reader reads for ever")


def _is_of_same_merge(event: Message, command: Command) -> bool:
    """Whether it tells of the merge that is asked for: one that runs already, for somebody else, is not begun again."""
    if not isinstance(command, MergePackages):
        return False
    made_of = getattr(event, "merged_from", None) or getattr(event, "sources", None)
    return made_of == command.sources


def _waiting(event: PackageSubmitted) -> str:
    stands = f"; it is {event.standing.value} meanwhile" if event.standing else ""
    return f"{event.package} is being checked{stands}"


def _end(event: Message, output: Form) -> None:
    """Print where a package stands, and end with the exit code of it."""
    match event:
        case PackageSubmitted():
            stands = [("stands", f"{event.standing.value} meanwhile")] if event.standing else []
            print_one(event, output, [("package", event.package), ("status", "checking"), *stands])
            return
        case PackageMergeFailed():
            rows: list[tuple[str, object]] = [("package", event.package), ("status", "not merged")]
            print_one(event, output, [*rows, (event.problem.reason, event.problem.message)])
            raise typer.Exit(INVALID if event.problem.reason == _MERGE_REFUSED else UNDECIDED)
        case PackageValidated():
            found = [(finding.rule, f"{finding.path}: {finding.message}") for finding in event.warnings]
            print_one(event, output, _rows(event, "valid", event.judged, found))
            raise typer.Exit(VALID)
        case PackageRejected():
            wrong = [(finding.rule, f"{finding.path}: {finding.message}. {finding.fix}") for finding in event.findings]
            print_one(event, output, _rows(event, "invalid", event.judged, wrong))
            raise typer.Exit(INVALID)
        case PackageCheckFailed():
            stands = [("stands", event.standing.value)] if event.standing else []
            why = [*stands, (event.problem.reason, event.problem.message)]
            print_one(event, output, _rows(event, "check-failed", None, why))
        case PackageQuarantined():
            why = [(event.problem.reason, event.problem.message)]
            print_one(event, output, _rows(event, "quarantined", None, why))
    raise typer.Exit(UNDECIDED)


def _rows(
    event: Verdict, verdict: str, judged: Judged | None, details: list[tuple[str, str]]
) -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = [("package", event.package), ("verdict", verdict)]
    if judged:
        rows += [
            ("release", judged.release or "none known"),
            ("checked", when(judged.checked_at)),
            ("report", judged.report.digest),
        ]
    return [*rows, *details]
