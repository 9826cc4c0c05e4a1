"""Commands over HTTP, and what the runtime tells of itself.

Rule 1: accepted is 202, applied is 200 and not applied a problem: a status never claims more than
    the runtime has said.
Rule 2: a batch is answered command by command; what is wrong with one says nothing of the others.
Rule 3: no query and no round trip to Redis that the answer does not need: a pause is in a hurry.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import BaseModel, ValidationError
from redis.exceptions import RedisError

from control import client
from control.api import problems
from control.api.bodies import (
    CommandAnswer,
    HistoryAnswer,
    ProblemAnswer,
    Read,
    commands_in,
    described,
)
from control.api.problems import (
    COMMAND_FAILED,
    INVALID_COMMAND,
    NOT_SENT,
    RUNTIME_OFFLINE,
    RUNTIME_UNKNOWN,
)
from control.client import CommandRefused, NewCommand, NotSent, Outcome, Until
from control.protocol import CommandAck, CommandResult, Origin, RuntimeStatus
from settings_app.api.access import user_of
from settings_app.api.description import operation
from settings_app.api.reading import reader
from settings_app.api.requests import JSON, Parameter, Query
from settings_app.models import User
from settings_app.problems import (
    CSRF_FAILED,
    MALFORMED_JSON,
    MALFORMED_REQUEST,
    NOT_FOUND,
    TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    Problem,
)

Waiting = tuple[float, Until]

ACK_SECONDS: Final = 1.0  # a living runtime acknowledges within milliseconds
APPLIED: Final = "applied"

WAIT = Parameter(
    "wait", f"`{APPLIED}` waits for the result; without it, for the acknowledgement alone."
)
TIMEOUT = Parameter(
    "timeout", "With `wait`: for how many seconds at most; 5 without it.", bounds=(0.0, 30.0)
)
LIMIT = Parameter(
    "limit", f"How many at most; {client.HISTORY_LINES} without it.", bounds=(1, 1_000)
)
BEFORE = Parameter("before", "The `next` of the page that was read last.")

router = Router()
get = reader(router)


# ---------------------------------------------------------------------- sending
@router.post(
    "/commands",
    **operation(
        "sendCommand",
        "Send a command, or several",
        tag="control",
        answer={
            200: CommandResult,
            202: CommandAnswer | list[CommandAnswer | ProblemAnswer],
        },
        parameters=(WAIT, TIMEOUT),
        body={JSON: described()},
        refusals=(
            CSRF_FAILED,
            MALFORMED_JSON,
            TOO_LARGE,
            UNSUPPORTED_MEDIA_TYPE,
            COMMAND_FAILED,
            INVALID_COMMAND,
            NOT_SENT,
        ),
    ),
)
def send_command(request: HttpRequest) -> HttpResponse:
    """202 once the runtime has it, or once it is clear that none is there to take it: what is
    recorded then takes effect when one is. With `wait=applied`: 200 with the result when it is
    applied, 409 when it is not, 202 with what is known when nobody answers in time.

    An array is a batch: each command is answered in its place, and 202 says nothing of them.
    """
    waiting = _waiting(Query(request, WAIT, TIMEOUT))
    user, asked = user_of(request), commands_in(request)
    if isinstance(asked, list):
        outcomes = _send(user, asked, waiting)
        return _json([_in_place(outcome, user) for outcome in outcomes], 202)
    [outcome] = _send(user, [asked], waiting)
    if isinstance(outcome, CommandRefused | NotSent):
        raise problems.of_outcome(outcome, sub=user.sub)
    result, (_, until) = outcome.result, waiting
    if result is None or until is Until.ACK:
        response = _json(_told(outcome), 202)
    elif result.success:
        response = _json(result)
    else:
        raise problems.of_result(result)
    response["Location"] = f"{request.path}/{outcome.command_id}"
    return response


def _waiting(query: Query) -> Waiting:
    wanted, seconds = query.text(WAIT), query.number(TIMEOUT)
    if wanted not in {None, APPLIED}:
        raise Problem(MALFORMED_REQUEST, f"The parameter {WAIT.name} must be {APPLIED}.")
    if wanted is None:
        if seconds is not None:
            raise Problem(MALFORMED_REQUEST, f"{TIMEOUT.name} goes with {WAIT.name}={APPLIED}.")
        return ACK_SECONDS, Until.ACK
    return client.DEFAULT_WAIT_SECONDS if seconds is None else seconds, Until.RESULT


def _send(user: User, asked: list[Read], waiting: Waiting) -> list[Outcome]:
    """Send what can be sent; what was refused before stays in its place."""
    seconds, until = waiting
    sent = iter(
        client.send_batch(
            user,
            [one for one in asked if isinstance(one, NewCommand)],
            origin=Origin(who=user.get_username(), via="api"),
            wait=seconds,
            until=until,
        )
    )
    return [next(sent) if isinstance(one, NewCommand) else one for one in asked]


def _told(answer: client.Answer) -> CommandAnswer:
    return CommandAnswer(
        command_id=answer.command_id,
        sent=answer.sent,
        desired=answer.recorded,
        ack=answer.ack,
        result=answer.result,
    )


def _in_place(outcome: Outcome, user: User) -> CommandAnswer | ProblemAnswer:
    if isinstance(outcome, CommandRefused | NotSent):
        problem = problems.of_outcome(outcome, sub=user.sub)
        return ProblemAnswer.model_validate(problem.to_dict())
    return _told(outcome)


# ---------------------------------------------------------------------- reading
@get(
    "/commands/{uuid:command_id}",
    **operation(
        "getCommand",
        "Read the last answer to a command",
        tag="control",
        answer={200: CommandAck | CommandResult},
        refusals=(NOT_FOUND, RUNTIME_UNKNOWN),
    ),
)
def read_command(request: HttpRequest, command_id: UUID) -> HttpResponse:
    """The acknowledgement, or the result once there is one. It is kept for an hour; that to
    `status` for a minute.
    """
    Query(request)
    user = user_of(request)
    with _unknown_where_redis_is_away(user):
        answer = client.result(user, str(command_id))
    if answer is None:
        raise Problem(NOT_FOUND, "No answer to such a command is kept.")
    return _json(answer)


@get(
    "/status",
    **operation(
        "getStatus",
        "See what your runtime does",
        tag="control",
        answer={200: RuntimeStatus},
        refusals=(RUNTIME_OFFLINE, RUNTIME_UNKNOWN),
    ),
)
def read_status(request: HttpRequest) -> HttpResponse:
    """As the runtime told it last; `at` says when, and two heartbeats later it may be wrong.
    `(epoch, stateVersion)` orders two of them.
    """
    Query(request)
    user = user_of(request)
    with _unknown_where_redis_is_away(user):
        status = client.status(user)
    if status is None:
        raise problems.of_silence(user)
    return _json(status)


@get(
    "/history",
    **operation(
        "getHistory",
        "See what was asked of your runtime",
        tag="control",
        answer={200: HistoryAnswer},
        parameters=(LIMIT, BEFORE),
        refusals=(RUNTIME_UNKNOWN,),
    ),
)
def read_history(request: HttpRequest) -> HttpResponse:
    """Commands by whom and by whatever means, newest first, each with its answer. About the last
    thousand are kept.
    """
    query, user = Query(request, LIMIT, BEFORE), user_of(request)
    limit = int(query.number(LIMIT) or client.HISTORY_LINES)
    with _unknown_where_redis_is_away(user):
        try:
            page = client.history(user, limit=limit, before=query.text(BEFORE))
        except ValueError as exc:
            raise Problem(MALFORMED_REQUEST, f"The parameter {BEFORE.name} {exc}.") from None
    return _json(HistoryAnswer(entries=list(page.entries), next=page.next))


@contextmanager
def _unknown_where_redis_is_away(user: User) -> Iterator[None]:
    try:
        yield
    except (RedisError, ValidationError) as exc:
        raise problems.of_unknown(exc, sub=user.sub) from None


def _json(told: BaseModel | Sequence[BaseModel], status: int = 200) -> HttpResponse:
    text = _text(told) if isinstance(told, BaseModel) else f"[{','.join(map(_text, told))}]"
    return HttpResponse(text, content_type="application/json", status=status)


def _text(told: BaseModel) -> str:
    return told.model_dump_json(by_alias=True, exclude_none=True)
