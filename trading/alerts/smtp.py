"""Django's way to a mail server, which also knows how far it came.

Rule 1: a letter whose sending was given up is not begun any more.
"""

from __future__ import annotations

import smtplib
from typing import Any, cast

from django.core.mail.backends import smtp


class GivenUp(smtplib.SMTPException):
    """Nobody waits for this letter any more."""


class Progress:
    """How far the sending of one letter came; read and written by two threads."""

    def __init__(self) -> None:
        self.has_begun = False
        """Whether any of the letter went out."""
        self.is_given_up = False


class _Witness:
    """An SMTP client that tells when the letter itself goes out."""

    progress: Progress | None = None

    def data(self, msg: Any) -> Any:
        """Send the letter. Raises: GivenUp."""
        if self.progress is not None:
            if self.progress.is_given_up:
                raise GivenUp("nobody waits for this letter any more")
            self.progress.has_begun = True
        return super().data(msg)  # type: ignore[misc]


class _Plain(_Witness, smtplib.SMTP):
    pass


class _Encrypted(_Witness, smtplib.SMTP_SSL):
    pass


class EmailBackend(smtp.EmailBackend):
    """Django's, over clients that tell how far they came."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        """The client: TLS from the beginning, or from STARTTLS on, or none."""
        return _Encrypted if self.use_ssl else _Plain

    def open_for(self, progress: Progress) -> None:
        """Connect for one letter; its progress is told from then on."""
        self.open()
        if self.connection is not None:
            cast("_Witness", self.connection).progress = progress
