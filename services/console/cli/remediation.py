"""`drydock remediation`: extensions that do not work with a version to come, and what becomes of them."""

from typing import Annotated

import typer

from services.console.cli.lists import add_list
from services.console.cli.options import Timeout, Yes
from services.console.cli.printing import Form, Output, print_one
from services.console.cli.running import confirm, run
from services.console.nouns import REMEDIATIONS
from shared.contracts.extension_compatibility_checker import (
    Regime,
    RemediationPolicy,
    RemediationPolicyChanged,
    RemediationPolicySnapshot,
    SetRemediationPolicy,
    WithoutRecipient,
)

app = typer.Typer(no_args_is_help=True, help="Incompatible extensions: who was told when, and what is due.")
add_list(app, REMEDIATIONS, say="List remediations that are open: what is removed first comes first.")


@app.command()
def policy(
    project: Annotated[str, typer.Argument(metavar="PROJECT", help="The project.")],
    regime: Annotated[Regime | None, typer.Option(help="What decides when an extension is removed.")] = None,
    removal_days: Annotated[int | None, typer.Option(help="after-notification: days from the first mail.")] = None,
    update_months: Annotated[int | None, typer.Option(help="release-periods: months of free choice.")] = None,
    grace_months: Annotated[int | None, typer.Option(help="release-periods: months after these.")] = None,
    reminder_days: Annotated[
        list[int] | None, typer.Option(help="Days before the removal at which to remind; may be repeated.")
    ] = None,
    without_recipient: Annotated[
        WithoutRecipient | None, typer.Option(help="What happens while nobody can be told.")
    ] = None,
    yes: Yes = False,
    timeout: Timeout = None,
    output: Output = Form.TABLE,
) -> None:
    """Show what becomes of a project's incompatible extensions; with options, change it."""
    found = run(lambda there: there.client.view(RemediationPolicySnapshot, project))
    before = found.policy if found else RemediationPolicy()
    given = {
        "regime": regime,
        "removal_days": removal_days,
        "update_months": update_months,
        "grace_months": grace_months,
        "reminder_days": tuple(reminder_days) if reminder_days else None,
        "without_recipient": without_recipient,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    if not changes:
        shown_ = found or RemediationPolicySnapshot(project=project, policy=before)
        print_one(shown_, output, _rows(project, before, "set" if found else "not set: the default holds"))
        return
    command = SetRemediationPolicy(
        project=project, policy=RemediationPolicy.model_validate({**before.model_dump(), **changes})
    )
    confirm(f"Clocks of {project} that run follow it: {in_words(command.policy)} Set this?", yes=yes)
    event = run(lambda there: there.client.ask(command, RemediationPolicyChanged), timeout=timeout)
    print_one(event, output, _rows(event.project, event.policy, "set"))


def in_words(policy: RemediationPolicy) -> str:
    """A policy as a sentence."""
    if policy.regime is Regime.NEVER:
        return "incompatible extensions are told of, and never removed."
    if policy.regime is Regime.RELEASE_PERIODS:
        months = policy.update_months + policy.grace_months
        text = f"incompatible extensions are removed {months} months after the release is available"
    else:
        text = f"incompatible extensions are removed {policy.removal_days} days after somebody was told"
    if policy.without_recipient is WithoutRecipient.FROM_DETECTION:
        return f"{text}, or found where nobody can be told."
    return f"{text}, and not before."


def _rows(project: str, policy: RemediationPolicy, whence: str) -> list[tuple[str, object]]:
    return [
        ("PROJECT", project),
        ("POLICY", whence),
        ("REGIME", policy.regime.value),
        ("REMOVAL DAYS", policy.removal_days),
        ("UPDATE MONTHS", policy.update_months),
        ("GRACE MONTHS", policy.grace_months),
        ("REMINDER DAYS", ", ".join(map(str, policy.reminder_days))),
        ("WITHOUT RECIPIENT", policy.without_recipient.value),
        ("IN WORDS", in_words(policy)),
    ]
