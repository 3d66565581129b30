"""Commands over HTTP: one route for every public command, its body the message as it travels on its topic."""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel, ValidationError
from pydantic.json_schema import models_json_schema

from services.console.client import Client
from services.console.failures import NotSent, Unreachable
from services.console.projection import Projection
from services.console.web import API
from services.console.web.problems import PROBLEMS, FieldProblem, Refusal, field_problems
from shared.contracts.catalogue import Catalogue
from shared.contracts.envelope import new_id
from shared.contracts.message import Command
from shared.contracts.topics import MESSAGE_LIMIT

NOBODY = "anonymous"
_PRINTABLE = re.compile(r"[!-~]{1,200}")


class Accepted(BaseModel):
    """The command is on its topic. It may still be refused: its resource says what came of it."""

    id: str
    type: str
    command: str
    """Path of what came of it."""
    operation: str | None
    """Path of the operation that it starts or is about; null if there is none."""


def commands_of(catalogue: Catalogue) -> dict[str, type[Command]]:
    """Every public command by its name in paths: the kebab name of its type, with the major version behind it from 2
    on. What services alone send is not among them.
    """
    found: dict[str, type[Command]] = {}
    for message in catalogue.messages.values():
        if issubclass(message, Command) and not message.senders:
            name = message.type.removeprefix(f"{message.owner}.").removesuffix(".v1")
            if name in found:
                raise ValueError(f"{found[name].__name__} and {message.__name__} are both called {name}")
            found[name] = message
    return found


def command_routes(client: Client, projection: Projection) -> APIRouter:
    """The routes of all commands."""
    router = APIRouter(prefix=f"{API}/commands", tags=["commands"])
    for name, command in commands_of(client.catalogue).items():
        _add_route(router, name, command, client, projection)
    return router


def command_schemas(commands: Iterable[type[Command]]) -> Mapping[str, Any]:
    """The JSON Schemas of commands, for `components/schemas` of OpenAPI."""
    _, schema = models_json_schema(
        [(command, "validation") for command in commands], ref_template="#/components/schemas/{model}"
    )
    definitions: Mapping[str, Any] = schema.get("$defs", {})
    return definitions


def _add_route(router: APIRouter, name: str, command: type[Command], client: Client, projection: Projection) -> None:
    async def take(
        request: Request,
        response: Response,
        idempotency_key: Annotated[
            str | None, Header(description="Id of the command; repeated, it gets the recorded answer again.")
        ] = None,
        drydock_actor: Annotated[
            str, Header(description="Who asks. Taken as it is: there is no authentication yet.")
        ] = NOBODY,
    ) -> Accepted:
        id_ = _identifier("Idempotency-Key", idempotency_key or new_id())
        actor = _identifier("Drydock-Actor", drydock_actor)
        message = _parse(command, request.headers.get("content-type", ""), await _body(request))
        projection.expect(id_)
        await _publish(client, message, id_, actor)
        path = f"{API}/commands/{id_}"
        response.headers["Location"] = path
        return Accepted(id=id_, type=command.type, command=path, operation=_operation_path(message, id_))

    summary, _, description = (command.__doc__ or "").partition(". ")
    router.add_api_route(
        f"/{name}",
        take,
        methods=["POST"],
        status_code=202,
        operation_id=name,
        summary=summary.rstrip("."),
        description=description or summary,
        responses=PROBLEMS,
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{command.__name__}"}}},
            }
        },
    )


async def _publish(client: Client, command: Command, id_: str, actor: str) -> None:
    """Return when the broker has it. Raise Refusal if it did not take it, or may not be given it."""
    try:
        await client.publish(command, id_=id_, actor=actor)
    except NotSent as error:
        if error.field is None:
            raise Refusal(413, "TOO_LARGE", str(error)) from None
        problem = FieldProblem(field=error.field, rule="unknown_service", message=str(error))
        raise Refusal(422, "INVALID_COMMAND", f"{error.field}: {error}", [problem]) from None
    except Unreachable:
        detail = "Kafka has not confirmed the command; send it again under the same Idempotency-Key"
        raise Refusal(503, "BROKER_UNAVAILABLE", detail) from None


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MESSAGE_LIMIT:
            raise Refusal(413, "TOO_LARGE", f"a command has at most {MESSAGE_LIMIT} bytes; send files as artifacts")
    return bytes(body)


def _parse(command: type[Command], content_type: str, body: bytes) -> Command:
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise Refusal(415, "NOT_JSON", "a command is sent with Content-Type: application/json")
    try:
        return command.model_validate_json(body, extra="forbid")
    except ValidationError as error:
        errors = field_problems(error)
        place = f"{errors[0].field}: " if errors[0].field else ""
        raise Refusal(422, "INVALID_COMMAND", f"{place}{errors[0].message}", errors) from None


def _identifier(header: str, value: str) -> str:
    if not _PRINTABLE.fullmatch(value):
        message = "must be 1 to 200 printable ASCII characters without blanks"
        raise Refusal(
            422,
            "INVALID_REQUEST",
            f"{header}: {message}",
            [FieldProblem(field=header, rule="identifier", message=message)],
        )
    return value


def _operation_path(command: Command, id_: str) -> str | None:
    operation = id_ if command.starts_operation else getattr(command, "operation", None)
    return f"{API}/operations/{operation}" if operation else None
