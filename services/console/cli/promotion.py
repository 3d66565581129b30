"""`drydock promotion`: move a candidate's image to production, at a time."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from services.console.cli.printing import Form, Output, print_list, print_one, when
from services.console.cli.running import Exit, ask, confirm, leave, run
from services.console.cli.update import split_update
from services.console.installation import Installation
from shared.contracts import promotion_scheduler as messages
from shared.contracts.message import MessageKind
from shared.contracts.promotion_scheduler import CancelPromotion, PromotionSnapshot, PromotionStatus, SchedulePromotion
from shared.contracts.topics import topic_name
from shared.kernel.kafka.reader import TopicReader

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
    event = run(lambda there: ask(there, command, messages.PromotionCancelled, messages.PromotionRefused))
    assert isinstance(event, messages.PromotionCancelled | messages.PromotionRefused)
    print_one(event, output, [("cancelled", event.promotion)])


@app.command()
def wait(
    promotion: Annotated[str, typer.Argument(metavar="PROMOTION", help="Id of the promotion.")],
    timeout: Annotated[float | None, typer.Option(help="Seconds until 124; the promotion goes on.")] = None,
    output: Output = Form.TABLE,
) -> None:
    """Wait until a promotion has ended; at once if it has. Exits with 0 if production runs the image."""
    ended = run(lambda there: _ended(there, promotion), timeout=timeout)
    print_one(
        ended,
        output,
        [
            ("promotion", ended.promotion),
            ("environment", ended.environment),
            ("status", ended.status.value),
            ("update", f"{ended.sandbox}/{ended.update.name}"),
            ("image", ended.update.image),
        ],
    )
    if ended.status is not PromotionStatus.COMPLETED:
        problem = f" ({ended.problem.reason}): {ended.problem.message}" if ended.problem else ""
        code = Exit.FAILED if ended.status is PromotionStatus.FAILED else Exit.CANCELLED
        leave(code, f"{ended.status.value}{problem}")


async def _ended(installation: Installation, promotion: str) -> PromotionSnapshot:
    session = installation.session
    topic = topic_name("promotion-scheduler", MessageKind.SNAPSHOT)
    async with TopicReader(session.bootstrap, session.catalogue, [topic]) as reader:
        await reader.from_start()
        async for read in reader.forever():
            view = read.envelope.data if read.envelope else None
            if isinstance(view, PromotionSnapshot) and view.promotion == promotion and view.status in _ENDED:
                return view
    raise AssertionError("a reader reads for ever")


_ENDED = frozenset(
    {PromotionStatus.COMPLETED, PromotionStatus.FAILED, PromotionStatus.CANCELLED, PromotionStatus.REFUSED}
)


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


_ANSWERS = (messages.PromotionScheduled, messages.PromotionRefused, messages.PromotionCancelled)


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
