"""Alerts by e-mail, through the operator's mail server.

Rule 1: a letter is on its way when the server has said so behind its last line; if that never came,
    nobody knows.
Rule 2: a thread of its own sends it, and nobody waits for that longer than its limit.
Rule 3: what the server says may hold addresses and more: of it, a reason has the number alone.
"""

from __future__ import annotations

import contextlib
import smtplib
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from trading.alerts import blocking, letters
from trading.alerts.blocking import THREADS, Progress
from trading.alerts.ports import Delivered, Digest, Later, Message, Outcome, Refused, Uncertain
from trading.alerts.smtp import EmailBackend

SECONDS: Final = 25.0
NO_SERVER: Final = (
    "no mail server is configured: set LIVERMORE_EMAIL_URL where the worker runs, and start it anew"
)
NO_ADDRESS: Final = "the settings have no address for e-mail: notifications.email.address"
_THREADS: Final = ThreadPoolExecutor(THREADS, thread_name_prefix="email")
_WRONG_PASSWORD: Final = frozenset({530, 534, 535, 538})


class Email:
    """One reader's letter box.

    Args:
        address: Where letters go.
        sender: Whom they come from; the operator's if left out.
    """

    most = 10

    def __init__(self, address: str | None, sender: str | None = None) -> None:
        self._address = address
        self._sender = sender or settings.DEFAULT_FROM_EMAIL

    async def send(self, message: Message) -> Outcome:
        """Send one letter; what became of it."""
        if not settings.EMAIL_HOST:
            return Refused(NO_SERVER, is_dead=True)
        if not self._address:
            return Refused(NO_ADDRESS, is_dead=True)
        return await blocking.send(
            _THREADS, self._send, message, seconds=SECONDS, unanswered=_unanswered
        )

    def _send(self, message: Message, progress: Progress) -> Outcome:
        connection = get_connection()
        try:
            if isinstance(connection, EmailBackend):
                connection.open_for(progress)
            connection.send_messages([self._letter(message)])
        except smtplib.SMTPException as exc:
            return _outcome_of(exc, progress)
        except OSError as exc:  # timeouts and broken connections
            return _unanswered(progress, type(exc).__name__)
        except ValueError as exc:  # an address or a header that cannot be one
            return Refused(f"no letter can be made of it ({type(exc).__name__})")
        finally:
            _close(connection)
        return Delivered()

    def _letter(self, message: Message) -> EmailMultiAlternatives:
        letter = EmailMultiAlternatives(
            subject=letters.subject_of(message),
            body=letters.text_of(message),
            from_email=self._sender,
            to=[self._address or ""],
            headers={"Auto-Submitted": "auto-generated"},
        )
        letter.attach_alternative(letters.html_of(message), "text/html")
        for index, notice in enumerate(() if isinstance(message, Digest) else message):
            if notice.chart is not None:
                letter.attach(f"chart-{index}.png", notice.chart, "image/png")
        return letter


def _outcome_of(exc: smtplib.SMTPException, progress: Progress) -> Outcome:
    if isinstance(exc, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _text in exc.recipients.values()]
        return _answered(max(codes, default=550), "the recipient")
    if isinstance(exc, smtplib.SMTPAuthenticationError):
        return _answered(exc.smtp_code, "the user or the password")
    if isinstance(exc, smtplib.SMTPResponseException) and exc.smtp_code >= 400:
        return _answered(exc.smtp_code, "the letter")
    if isinstance(exc, smtplib.SMTPNotSupportedError):
        return Refused("the mail server cannot do what LIVERMORE_EMAIL_URL asks for", is_dead=True)
    return _unanswered(progress, type(exc).__name__)


def _answered(code: int, what: str) -> Outcome:
    if code in _WRONG_PASSWORD:
        return Refused(f"the mail server refuses the user or the password ({code})", is_dead=True)
    if code < 500:
        return Later(f"the mail server does not take {what} now ({code})")
    return Refused(f"the mail server refuses {what} ({code})")


def _unanswered(progress: Progress, why: str) -> Outcome:
    if progress.has_begun:
        return Uncertain(f"the mail server did not say that it has the letter ({why})")
    return Later(f"the mail server cannot be reached ({why})")


def _close(connection: BaseEmailBackend) -> None:
    with contextlib.suppress(smtplib.SMTPException, OSError):  # the letter's fate is known by now
        connection.close()
