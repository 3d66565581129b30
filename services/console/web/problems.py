"""Errors of the HTTP API: problem details (RFC 9457) with a code for programs; never a stack trace."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

from shared.kernel.client import get_logger

log = get_logger(__name__)

MEDIA_TYPE = "application/problem+json"


class FieldProblem(BaseModel):
    """One field that breaks a rule."""

    field: str
    """Path of the field, parts joined by dots; empty: the whole body."""
    rule: str
    message: str


class ProblemDetails(BaseModel):
    """What is wrong, for programs (`code`) and for people (`detail`)."""

    title: str
    status: int
    code: str
    detail: str
    errors: list[FieldProblem] = []


class Refusal(Exception):
    """Answer a request with a problem."""

    def __init__(self, status: int, code: str, detail: str, errors: list[FieldProblem] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors or []


def not_found(what: str, name: str) -> Refusal:
    """There is no such thing."""
    return Refusal(404, "NOT_FOUND", f"there is no {what} {name[:300]!r} here")


def field_problems(error: ValidationError | RequestValidationError, *, skip: int = 0) -> list[FieldProblem]:
    """The fields that break a rule; the first `skip` parts of a field's place are left out."""
    return [
        FieldProblem(
            field=".".join(str(part) for part in one["loc"][skip:]),
            rule=str(one["type"]),
            message=str(one["msg"]),
        )
        for one in error.errors()
    ]


def problem(status: int, code: str, detail: str, errors: list[FieldProblem] | None = None) -> JSONResponse:
    """The response for a problem."""
    body = ProblemDetails(
        title=code.replace("_", " ").capitalize(), status=status, code=code, detail=detail, errors=errors or []
    )
    return JSONResponse(body.model_dump(), status_code=status, media_type=MEDIA_TYPE)


_CODES = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}


def answer_problems(app: FastAPI) -> None:
    """Answer every error of `app` as a problem."""

    async def refused(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, Refusal)
        return problem(error.status, error.code, error.detail, error.errors)

    async def invalid(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        errors = field_problems(error, skip=1)
        first = errors[0]
        return problem(422, "INVALID_REQUEST", f"{first.field}: {first.message}", errors)

    async def http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        code = _CODES.get(error.status_code, "REQUEST_NOT_TAKEN")
        return problem(error.status_code, code, f"{request.method} {request.url.path}: {error.detail}")

    async def fault(request: Request, error: Exception) -> JSONResponse:
        log.error("request_failed", method=request.method, path=request.url.path, exc_info=error)
        return problem(500, "FAULT", "the console made a mistake; its log says which")

    app.add_exception_handler(Refusal, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, fault)


PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ProblemDetails, "description": "Refused; `code` says why.", "content": {MEDIA_TYPE: {}}}
}
"""For the description of a route."""
