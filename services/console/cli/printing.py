"""How results are printed: a table for people, JSON for programs, ids for pipes."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

if TYPE_CHECKING:
    from shared.contracts.message import Message, Part


class Form(StrEnum):
    """Forms of a result."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    ID = "id"


Output = Annotated[Form, typer.Option("--output", "-o", help="How to print the result.")]

Column = tuple[str, Callable[[Any], object]]


def print_list(items: "Sequence[Part]", form: Form, columns: Sequence[Column]) -> None:
    """Print messages: the columns as a table, the whole of them as JSON, or the keys alone."""
    if form is Form.TABLE:
        _print_rows([[name for name, _ in columns], *[[_text(value(item)) for _, value in columns] for item in items]])
    elif form is Form.JSON:
        _json([item.model_dump(mode="json") for item in items], indent=2)
    elif form is Form.JSONL:
        for item in items:
            _json(item.model_dump(mode="json"))
    else:
        for item in items:
            typer.echo(getattr(item, "key", None) or next(iter(item.model_dump().values())))


def print_one(item: "Message", form: Form, rows: Sequence[tuple[str, object]]) -> None:
    """Print one message: the rows for people, the whole of it as JSON, or its key alone."""
    if form is Form.TABLE:
        _print_rows([[name, _text(value)] for name, value in rows])
    elif form is Form.ID:
        typer.echo(item.key)
    else:
        _json(item.model_dump(mode="json"), indent=2 if form is Form.JSON else None)


def print_id(id_: str, form: Form, **fields: object) -> None:
    """Print what a mutating command has started."""
    if form in (Form.JSON, Form.JSONL):
        _json({"id": id_, **fields})
    else:
        typer.echo(id_)


def print_values(values: Mapping[str, object], form: Form, *, id_: str, rows: Sequence[tuple[str, object]]) -> None:
    """Print an answer that is no message: the rows for people, the values as JSON, or an id alone if there is one."""
    if form is Form.TABLE:
        _print_rows([[name, _text(value)] for name, value in rows])
    elif form is Form.ID:
        if id_:
            typer.echo(id_)
    else:
        _json(values, indent=2 if form is Form.JSON else None)


def print_json(value: Any) -> None:
    """One JSON document on stdout, indented: of structs as well."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def when(moment: datetime | None) -> str:
    """An aware moment for people, in UTC whatever zone it was given in."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if moment else ""


def _print_rows(rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as what stands in them: nothing is cut off or broken, whatever reads the output."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        typer.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return when(value)
    return str(value)


def _json(value: object, indent: int | None = None) -> None:
    sys.stdout.write(json.dumps(value, indent=indent) + "\n")
