"""`drydock promotion`: move a candidate's image to production, at a time."""

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Annotated

import typer

from services.console.cli.following import BEGINS_WITHIN
from services.console.cli.lists import add_list, add_show
from services.console.cli.options import CommandId, Timeout, Yes
from services.console.cli.printing import Form, Output, print_one, when
from services.console.cli.running import Exit, confirm, leave, run, tell
from services.console.cli.update import split_update
from services.console.installation import Installation
from services.console.nouns import PROMOTIONS
from shared.contracts.envelope import new_id
from shared.contracts.message import Message
from shared.contracts.promotion_scheduler import (
    CancelPromotion,
    PromotionCancelled,
    PromotionCheckStarted,
    PromotionRefused,
    PromotionScheduled,
    PromotionSnapshot,
    PromotionStatus,
    SchedulePromotion,
)

app = typer.Typer(no_args_is_help=True, help="Promotions: schedule, cancel, list.")
add_list(app, PROMOTIONS, say="List promotions, the latest last.")
add_show(app, PROMOTIONS)


@app.command()
def schedule(
    update: Annotated[str, typer.Argument(metavar="SANDBOX/NAME", help="The candidate.")],
    to: Annotated[str, typer.Option(help="The production environment.")],
    start: Annotated[str, typer.Option(help="Downtime start: `now`, or a time with its zone, 2026-11-21T22:00Z.")],
    acknowledge_unverifiable: Annotated[
        list[str] | None, typer.Option(metavar="APP_ID", help="An extension that cannot be judged. Repeatable.")
    ] = None,
    yes: Yes = False,
    timeout: Timeout = None,
    command_id: CommandId = None,
    output: Output = Form.TABLE,
) -> None:
    """Schedule the move of a candidate's image to production. Its services stop at the start.

    Where it brings another base, production's extensions are checked first; the answer comes when that has ended.
    """
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
    event = run(lambda there: _schedule(there, command, command_id or new_id()), timeout=timeout)
    if isinstance(event, PromotionRefused):
        leave(Exit.REFUSED, f"refused ({event.problem.reason}): {event.problem.message}")
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


async def _schedule(
    installation: Installation, command: SchedulePromotion, id_: str
) -> PromotionScheduled | PromotionRefused:
    """The promotion as it was scheduled or refused, however long its check takes, and whoever ends that."""
    promotion = f"{command.environment}/{id_}"

    async def heard(event: Message) -> PromotionScheduled | PromotionRefused | None:
        if not isinstance(event, PromotionCheckStarted):
            return None
        view = await installation.client.view(PromotionSnapshot, promotion)
        if view and (end := _end_of_check(view, command.start)):
            return end
        tell(f"checking the extensions of {event.environment} against base {event.base}; waiting for the verdict")
        return None

    return await installation.client.ask(
        command,
        PromotionScheduled,
        PromotionRefused,
        id_=id_,
        concerns=lambda event: getattr(event, "promotion", None) == promotion,
        heard=heard,
    )


def _end_of_check(view: PromotionSnapshot, start: datetime) -> PromotionScheduled | PromotionRefused | None:
    """How the check of a promotion ended, which may be long ago; None: it has not."""
    about = {name: getattr(view, name) for name in ("environment", "project", "promotion", "sandbox", "update")}
    if view.downtime:
        return PromotionScheduled(**about, downtime=view.downtime)
    return PromotionRefused(**about, start=start, problem=view.problem) if view.problem else None


@app.command()
def cancel(
    environment: Annotated[str, typer.Argument(metavar="ENVIRONMENT", help="The production environment.")],
    timeout: Timeout = None,
    output: Output = Form.TABLE,
) -> None:
    """Cancel the open promotion of an environment, before its downtime."""
    command = CancelPromotion(environment=environment)
    event = run(lambda there: there.client.ask(command, PromotionCancelled, PromotionRefused), timeout=timeout)
    print_one(event, output, [("cancelled", event.promotion)])


@app.command()
def wait(
    promotion: Annotated[str, typer.Argument(metavar="PROMOTION", help="Id of the promotion.")],
    timeout: Timeout = None,
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
    try:
        changes = installation.client.changes(PromotionSnapshot, promotion)
        async with asyncio.timeout(None) as patience, aclosing(changes) as views:
            async for view in views:
                if view is None:
                    tell(f"promotion {promotion} is not known yet; waiting {BEGINS_WITHIN:g} s for it")
                    patience.reschedule(asyncio.get_running_loop().time() + BEGINS_WITHIN)
                    continue
                patience.reschedule(None)
                if _told(view) in _ENDED:
                    return view
    except TimeoutError:
        leave(Exit.NOT_FOUND, f"there is no promotion {promotion}")
    raise AssertionError("a reader reads for ever")


def _told(view: PromotionSnapshot) -> PromotionStatus:
    """The status of a promotion, which a person is told as well."""
    since = f" for {when(view.downtime.start)}" if view.downtime and view.status is PromotionStatus.SCHEDULED else ""
    waiting = "" if view.status in _ENDED else "; waiting for its end"
    tell(f"promotion {view.promotion} is {view.status.value}{since}{waiting}")
    return view.status


_ENDED = frozenset(
    {PromotionStatus.COMPLETED, PromotionStatus.FAILED, PromotionStatus.CANCELLED, PromotionStatus.REFUSED}
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
