"""Django's way to a mail server, which also knows how far it came.

Rule 1: a letter whose sending was given up is not begun any more.
"""

from __future__ import annotations

import smtplib
from typing import Any, cast

from django.core.mail.backends import smtp

from trading.alerts.blocking import Progress


class GivenUp(smtplib.SMTPException):
    """Nobody waits for this letter any more."""


class _Witness:
    """An SMTP client that tells when the letter itself goes out."""

    progress: Progress | None = None

    def data(self, msg: Any) -> Any:
        """Send the letter. Raises: GivenUp."""
        if self.progress is not None and not self.progress.begin():
            raise GivenUp("nobody waits for this letter any more")
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
