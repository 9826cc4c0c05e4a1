"""What can be wrong with a command or an alert over HTTP, beside what can be with any request.

Rule 1: as in `settings_app.problems`, of which this is the runtime's part of the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import structlog

from control.client import CommandRefused, NotSent
from control.protocol import CommandResult
from settings_app import desired
from settings_app.models import User
from settings_app.problems import RETRY_SECONDS, Kind, Problem

log = structlog.get_logger(__name__)

RUNTIME_OFFLINE: Final = Kind("runtime-offline", HTTPStatus.NOT_FOUND, "No runtime works for you")
COMMAND_FAILED: Final = Kind("command-failed", HTTPStatus.CONFLICT, "The command was not applied")
INVALID_COMMAND: Final = Kind(
    "invalid-command", HTTPStatus.UNPROCESSABLE_ENTITY, "The command cannot be sent"
)
NOT_SENT: Final = Kind("not-sent", HTTPStatus.SERVICE_UNAVAILABLE, "The command was not sent")
RUNTIME_UNKNOWN: Final = Kind(
    "runtime-unknown", HTTPStatus.SERVICE_UNAVAILABLE, "What the runtime does cannot be known now"
)
INVALID_REQUEST: Final = Kind(
    "invalid-request", HTTPStatus.UNPROCESSABLE_ENTITY, "The request breaks a rule"
)
EXCHANGE_UNAVAILABLE: Final = Kind(
    "exchange-unavailable", HTTPStatus.SERVICE_UNAVAILABLE, "The exchange does not say"
)
IMPORT_OUTDATED: Final = Kind(
    "import-outdated", HTTPStatus.CONFLICT, "The preview does not hold any more"
)
SCAN_OUTDATED: Final = Kind("scan-outdated", HTTPStatus.CONFLICT, "The scan does not hold any more")
APPROVAL_UNKNOWN: Final = Kind(
    "approval-unknown", HTTPStatus.SERVICE_UNAVAILABLE, "What was approved cannot be read now"
)
NOT_DELIVERED: Final = Kind("not-delivered", HTTPStatus.CONFLICT, "The message did not arrive")

KINDS: Final = (
    RUNTIME_OFFLINE,
    COMMAND_FAILED,
    NOT_DELIVERED,
    INVALID_COMMAND,
    INVALID_REQUEST,
    NOT_SENT,
    RUNTIME_UNKNOWN,
    EXCHANGE_UNAVAILABLE,
    IMPORT_OUTDATED,
    APPROVAL_UNKNOWN,
    SCAN_OUTDATED,
)

_RETRY: Final[Mapping[str, str]] = {"Retry-After": str(RETRY_SECONDS)}


def of_outcome(outcome: CommandRefused | NotSent, *, sub: str) -> Problem:
    """A command that was not sent."""
    if isinstance(outcome, CommandRefused):
        detail = "Nothing was recorded and nothing was sent."
        return Problem(INVALID_COMMAND, detail, errors=outcome.errors)
    log.warning("api.not_sent", sub=sub, reason=str(outcome))
    detail = (
        "Redis did not confirm the command: it is away, or full. Repeat it with the same id: so "
        "it is done once, also if it had arrived. Pause, resume and switch-mode work meanwhile."
    )
    return Problem(NOT_SENT, detail, headers=_RETRY)


def of_result(result: CommandResult) -> Problem:
    """A command that the runtime has answered, and not applied."""
    members: dict[str, Any] = {"commandId": result.command_id, "outcome": result.status}
    if result.data is not None:
        members["data"] = result.data
    return Problem(COMMAND_FAILED, result.message or "The runtime says no more.", members=members)


def of_silence(user: User) -> Problem:
    """No runtime has spoken for three heartbeats."""
    hindrance = desired.hindrance(user.pk)
    reason = f": {hindrance}" if hindrance else "; start one, or wait for the takeover"
    return Problem(RUNTIME_OFFLINE, f"No worker runs this account{reason}.")


def of_exchange(reason: Exception) -> Problem:
    """An exchange is away, has no time, or answers what makes no sense; the text says which."""
    return Problem(EXCHANGE_UNAVAILABLE, str(reason), headers=_RETRY)


def of_approval(reason: Exception, *, sub: str) -> Problem:
    """Redis is away, and with it what a preview showed."""
    log.warning("api.approval_unknown", sub=sub, reason=type(reason).__name__)
    detail = "Redis does not answer. Nothing was changed; try again."
    return Problem(APPROVAL_UNKNOWN, detail, headers=_RETRY)


def of_unknown(reason: Exception, *, sub: str) -> Problem:
    """Redis is away, or what stands there was written by a worker of another version."""
    log.warning("api.runtime_unknown", sub=sub, reason=type(reason).__name__)
    detail = "Redis does not answer, or a worker of another version writes there. Try again."
    return Problem(RUNTIME_UNKNOWN, detail, headers=_RETRY)
