"""Alerts by a push service, or by anything else that Apprise knows an address for.

Rule 1: Apprise says whether a service took a message, and in its log why not. Where that names
    the service's answer, or that nothing was reached, it is believed; else nobody knows, for it was
    perhaps sent.
Rule 2: its log lines hold addresses and tokens: they are read here and go nowhere else.
Rule 3: a thread sends, and nobody waits for it longer than its limit.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from apprise import Apprise, NotifyFormat, NotifyType
from apprise.result import AppriseResult, AppriseResultStatus

from trading.alerts import blocking, letters
from trading.alerts.blocking import THREADS, Progress
from trading.alerts.ports import Delivered, Digest, Later, Message, Outcome, Refused, Uncertain

SECONDS: Final = 20.0
NOT_AN_ADDRESS: Final = (
    "the variable holds no address that Apprise knows, such as ntfy://ntfy.sh/ and a topic"
)
_DEAD: Final = frozenset({401, 403, 404, 410})
_ANSWERED: Final = re.compile(r"error\s*=\s*(\d{3})\b|HTTP error(?: code)?[ =:]+(\d{3})\b")
_NOT_REACHED: Final = re.compile(
    r"Failed to establish a new connection|NameResolutionError|ConnectTimeoutError"
    r"|Connection refused|Max retries exceeded .*ConnectTimeout"
)
_ROWS: Final = 15
_THREADS: Final = ThreadPoolExecutor(THREADS, thread_name_prefix="push")
_TYPES: Final = {
    "up": NotifyType.INFO,
    "down": NotifyType.INFO,
    "trouble": NotifyType.WARNING,
    "recovered": NotifyType.SUCCESS,
}

# Whatever a process does with the logs of libraries: not with this one's.
_log = logging.getLogger("apprise")
_log.setLevel(logging.DEBUG)
_log.propagate = False


class Push:
    """One reader's service.

    Args:
        url: Its address, as Apprise has it.
    """

    most = 5

    def __init__(self, url: str) -> None:
        self._url = url

    async def send(self, message: Message) -> Outcome:
        """Send one message; what became of it."""
        return await blocking.send(
            _THREADS, self._send, message, seconds=SECONDS + 5, unanswered=_unanswered
        )

    def _send(self, message: Message, progress: Progress) -> Outcome:
        service = Apprise()
        if not service.add(self._url):
            return Refused(NOT_AN_ADDRESS, is_dead=True)
        if not progress.begin():
            return Later("the push service was not asked in time")
        result = service.notify(
            title=letters.subject_of(message),
            body=letters.text_of(message, most_rows=_ROWS),
            notify_type=_type_of(message),
            body_format=NotifyFormat.TEXT.value,
            timeout=SECONDS,
            log_level=logging.DEBUG,
        )
        return _outcome_of(result)


def _unanswered(progress: Progress, why: str) -> Outcome:
    if progress.has_begun:
        return Uncertain(f"the push service did not answer {why}")
    return Later(f"the push service was not asked {why}")


def _type_of(message: Message) -> NotifyType:
    if isinstance(message, Digest) or len(message) != 1:
        return NotifyType.INFO
    return _TYPES.get(message[0].tone, NotifyType.INFO)


def _outcome_of(result: AppriseResult) -> Outcome:
    if result.status is AppriseResultStatus.SUCCESS:
        return Delivered()
    if result.status is AppriseResultStatus.FAILURE:
        return _failed(
            entry.message
            for service in result.results
            for attempt in service.attempts
            for entry in attempt.logs
        )
    if result.status is AppriseResultStatus.TIMEOUT:
        return Uncertain("the push service did not answer in time")
    return Uncertain("the push service did not say that it has the message")


def _failed(lines: Iterable[str]) -> Outcome:
    is_reached = True
    for line in lines:
        if found := _ANSWERED.search(line):
            return _answered(int(found[1] or found[2]))
        is_reached = is_reached and not _NOT_REACHED.search(line)
    if not is_reached:
        return Later("the push service cannot be reached")
    return Uncertain("the push service did not say that it has the message")


def _answered(code: int) -> Outcome:
    if code in _DEAD:
        return Refused(f"the push service refuses the address ({code})", is_dead=True)
    if code == 429:
        return Later("the push service asks to wait")
    if code >= 500:
        return Later(f"the push service has trouble of its own ({code})")
    return Refused(f"the push service refuses the message ({code})")
