"""`drydock promotion`: move a candidate's image to production, at a time."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from services.console.cli.printing import Form, Output, print_list, print_one, when
from services.console.cli.running import Exit, ask, confirm, leave, run
from services.console.cli.update import split_update
from services.console.installation import Installation
from shared.contracts import promotion_scheduler as messages
from shared.contracts.promotion_scheduler import CancelPromotion, PromotionSnapshot, SchedulePromotion

app = typer.Typer(no_args_is_help=True, help="Promotions: schedule, cancel, list.")


@app.command()
def schedule(
    update: Annotated[str, typer.Argument(metavar="SANDBOX/NAME", help="The candidate.")],
    to: Annotated[str, typer.Option(help="The production environment.")],
    start: Annotated[str, typer.Option(help="Downtime start: `now`, or a time with its zone, 2026-11-21T22:00Z.")],
    acknowledge_unverifiable: Annotated[
        list[str] | None, typer.Option(metavar="APP_ID", help="An extension that cannot be judged. Repeatable.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    command_id: Annotated[str | None, typer.Option(help="Id of the command: repeated, it is done once.")] = None,
    output: Output = Form.TABLE,
) -> None:
    """Schedule the move of a candidate's image to production. Its services stop at the start."""
    sandbox, name = split_update(update)
    moment = _moment(start)
    confirm(f"Promote {name!r} from {sandbox} to {to}, with downtime from {when(moment)}?", yes=yes)
    command = SchedulePromotion(
        environment=to,
        sandbox=sandbox,
        update_name=name,
        start=moment,
        acknowledge_unverifiable=tuple(acknowledge_unverifiable or ()),
    )
    event = run(lambda there: ask(there, command, *_ANSWERS, id_=command_id))
    if not isinstance(event, messages.PromotionScheduled):
        problem = getattr(event, "problem", None)
        leave(Exit.REFUSED, f"refused ({problem.reason}): {problem.message}" if problem else "refused")
    print_one(
        event,
        output,
        [
            ("promotion", event.promotion),
            ("update", f"{event.sandbox}/{event.update.name}"),
            ("image", event.update.image),
            ("downtime", f"{when(event.downtime.start)} to {when(event.downtime.end)}"),
        ],
    )


@app.command()
def cancel(
    environment: Annotated[str, typer.Argument(metavar="ENVIRONMENT", help="The production environment.")],
    output: Output = Form.TABLE,
) -> None:
    """Cancel the open promotion of an environment, before its downtime."""
    command = CancelPromotion(environment=environment)
    event = run(lambda there: ask(there, command, messages.PromotionCancelled))
    assert isinstance(event, messages.PromotionCancelled)
    print_one(event, output, [("cancelled", event.promotion)])


@app.command("list")
def list_(output: Output = Form.TABLE) -> None:
    """List promotions, the latest last."""

    async def read(installation: Installation) -> list[PromotionSnapshot]:
        views = await installation.session.views(PromotionSnapshot)
        return [one for one in views.values() if isinstance(one, PromotionSnapshot)]

    late = datetime.max.replace(tzinfo=UTC)
    promotions = sorted(run(read), key=lambda one: one.downtime.start if one.downtime else late)
    print_list(
        promotions,
        output,
        [
            ("ENVIRONMENT", lambda one: one.environment),
            ("UPDATE", lambda one: f"{one.sandbox}/{one.update.name}"),
            ("STATUS", lambda one: one.status.value),
            ("DOWNTIME", lambda one: when(one.downtime.start) if one.downtime else ""),
            ("UNTIL", lambda one: when(one.downtime.end) if one.downtime else ""),
            ("REASON", lambda one: one.problem.reason if one.problem else ""),
            ("ID", lambda one: one.promotion),
        ],
    )


_ANSWERS = tuple(
    getattr(messages, name)
    for name in ("PromotionScheduled", "PromotionRefused", "PromotionCancelled")
    if hasattr(messages, name)
)


def _moment(text: str) -> datetime:
    if text == "now":
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        leave(Exit.USAGE, f"--start {text}: write `now`, or a time like 2026-11-21T22:00Z")
    if moment.tzinfo is None:
        leave(Exit.USAGE, f"--start {text}: name the zone, as in {text}Z for UTC")
    return moment
