"""`drydock retention`: how long what nobody needs is kept."""

import typer
from pydantic import TypeAdapter

from services.console.cli.printing import Form, Output, print_list
from services.console.retention import Retention
from shared.contracts.message import Part

app = typer.Typer(no_args_is_help=True, help="How long what nobody needs any more is kept.")


class KeptFor(Part):
    """A setting of what is kept; `time` is an ISO 8601 duration."""

    setting: str
    time: str
    what: str


@app.callback()
def _retention() -> None:
    pass


@app.command()
def show(output: Output = Form.TABLE) -> None:
    """Show how long `drydock store gc` keeps what nobody needs.

    There is nothing to be set on an installation: these are environment variables of whoever runs `drydock store gc`.
    """
    values = TypeAdapter(dict[str, str]).validate_python(Retention().model_dump(mode="json"))
    lines = [
        KeptFor(setting=f"DRYDOCK_{name.upper()}", time=values[name], what=field.description or "")
        for name, field in Retention.model_fields.items()
    ]
    columns = [
        ("SETTING", lambda one: one.setting),
        ("TIME", lambda one: one.time),
        ("WHAT", lambda one: one.what),
    ]
    print_list(lines, output, columns)
