"""`list` and `show` of every noun, with the filters, order and columns of the one table of nouns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.console.cli.options import Environment
from services.console.cli.printing import Form, Output, print_list, print_one
from services.console.cli.running import Exit, leave, run
from services.console.installation import Installation
from services.console.noun import Column, Noun
from services.console.projection import Projection
from shared.contracts.message import Message
from shared.contracts.servicing_executor import EnvironmentSnapshot

if TYPE_CHECKING:
    from services.console.client import Client

Project = Annotated[str | None, typer.Argument(metavar="[PROJECT]", help="Only of this project.", show_default=False)]
ProjectOption = Annotated[str | None, typer.Option("--project", help="The same.", show_default=False)]
All = Annotated[bool, typer.Option("--all", help="Those that have ended, too.")]


@dataclass(frozen=True)
class Listing:
    """What is about to be printed."""

    noun: Noun[Any]
    known: Projection
    views: Sequence[Any]
    columns: Sequence[Column]
    project: str | None = None
    """The one that is asked for."""


Further = Callable[..., Listing]
"""Takes a listing and options of its own, which its signature names; what is printed instead."""


def add_list(app: typer.Typer, noun: Noun[Any], name: str = "list", **values: Any) -> None:
    """Give a group the command that lists a noun; `values` are those of `list_command`."""
    app.command(name)(list_command(noun, **values))


def list_command(
    noun: Noun[Any], *, say: str = "", further: Further | None = None, reads: Sequence[type[Message]] = ()
) -> Callable[..., None]:
    """The command that lists a noun. `further` narrows it by options of its own, and by what it `reads`."""
    named = list(signature(further, eval_str=True).parameters.values())[1:] if further else []
    own = [one.replace(kind=_KEYWORD) for one in named]

    def command(**given: Any) -> None:
        output = given.pop("output")
        options = {one.name: given.pop(one.name) for one in own}
        listing, everything = run(lambda there: _listing(there, noun, reads, given))
        if further:
            listing = further(listing, **options)
        print_list(noun.listed(listing.views, everything=everything), output, listing.columns)

    return _made(command, say or f"List {spoken(noun.name)}.", [*_parameters(noun), *own])


def add_show(app: typer.Typer, noun: Noun[Any]) -> None:
    """Give a group the command that shows one of a noun."""
    word = noun.view.key_field
    named = Annotated[
        str, typer.Argument(metavar=word.upper(), help=f"Id of the {spoken(noun.one)}, as the list has it.")
    ]

    def command(key: str, output: Form) -> None:
        print_found(noun, key, output)

    article = "an" if noun.one[0] in "aeiou" else "a"
    takes = [Parameter("key", _KEYWORD, annotation=named)]
    app.command("show")(_made(command, f"Show {article} {spoken(noun.one)}.", takes))


def group_of(noun: Noun[Any]) -> typer.Typer:
    """A group with nothing but `list` and `show`."""
    app = typer.Typer(no_args_is_help=True, help=f"{spoken(noun.name).capitalize()}: list, look at.")
    add_list(app, noun)
    add_show(app, noun)
    return app


def spoken(name: str) -> str:
    """A name as it stands in a sentence."""
    return name.replace("-", " ").replace("_", " ")


def print_found(noun: Noun[Any], key: str, output: Form, *, otherwise: str = "") -> None:
    """Print one of a noun. End with a sentence if there is none of that key."""
    found = run(lambda there: there.client.view(noun.view, key))
    if found is None:
        leave(Exit.NOT_FOUND, otherwise or f"there is no {spoken(noun.one)} {key}")
    print_one(found, output, noun.shown(found))


async def environment_in(client: "Client", environment: str) -> EnvironmentSnapshot:
    """An environment as it stands. End with a sentence if there is none."""
    return existing_environment(await client.read(EnvironmentSnapshot), environment)


def existing_environment(known: Projection, environment: str) -> EnvironmentSnapshot:
    """The same, of what was read."""
    found = known.get(EnvironmentSnapshot, environment)
    if found is None:
        leave(Exit.NOT_FOUND, f"there is no environment {environment}")
    return found


_KEYWORD = Parameter.KEYWORD_ONLY


def _parameters(noun: Noun[Any]) -> list[Parameter]:
    takes: list[Parameter] = []
    if noun.of_environment:
        takes.append(Parameter("environment", _KEYWORD, annotation=Environment))
    if "project" in noun.filters:
        takes.append(Parameter("project", _KEYWORD, default=None, annotation=Project))
        takes.append(Parameter("project_option", _KEYWORD, default=None, annotation=ProjectOption))
    for field in noun.filters:
        if field != "project":
            option = typer.Option(
                f"--{field.replace('_', '-')}",
                help=f"Only of this {spoken(field).removeprefix('environment ')}. Repeatable.",
            )
            kind: Any = list[noun.choices(field) or str] | None  # type: ignore[misc]  # made for each field
            takes.append(Parameter(field, _KEYWORD, default=None, annotation=Annotated[kind, option]))
    if noun.lines and noun.lines.over:
        takes.append(Parameter("all_", _KEYWORD, default=False, annotation=All))
    return takes


async def _listing(
    there: Installation, noun: Noun[Any], reads: Sequence[type[Message]], given: dict[str, Any]
) -> tuple[Listing, bool]:
    everything = bool(given.pop("all_", False))
    project, other = given.pop("project", None), given.pop("project_option", None)
    if None not in (project, other) and project != other:
        leave(Exit.USAGE, f"{project} and --project {other} name two projects")
    project = project or other
    environment = given.pop("environment", None) if noun.of_environment else None
    known = await there.client.read(noun.view, *reads, *((EnvironmentSnapshot,) if environment else ()))
    views = list(known.all(noun.view))
    if environment:
        existing_environment(known, environment)
        views = [view for view in views if view.environment == environment]
    wanted = {**given, **({"project": [project]} if project else {})}
    return Listing(noun, known, noun.chosen(views, wanted), noun.columns, project), everything


def _made(command: Callable[..., None], doc: str, takes: Sequence[Parameter]) -> Callable[..., None]:
    """A function as if it was written with these parameters, and one for the form of its output."""
    every = [*takes, Parameter("output", _KEYWORD, default=Form.TABLE, annotation=Output)]
    command.__doc__ = doc
    command.__signature__ = Signature(every)  # type: ignore[attr-defined]  # as `inspect.signature` reads it
    command.__annotations__ = {one.name: one.annotation for one in every}
    return command
