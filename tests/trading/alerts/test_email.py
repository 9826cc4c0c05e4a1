"""Letters, against a real mail server: what becomes of one, whatever the server does."""

from __future__ import annotations

import asyncio
import email
import email.policy
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from pytest_django import Settings as Configuration

from tests.trading.alerts.said import NOTICE, digest
from trading.alerts import email as channel
from trading.alerts.email import Email
from trading.alerts.ports import Delivered, Later, Message, Outcome, Refused, Uncertain

ANN, BELA = "ann@example.org", "bela@example.org"
PASSWORD = "s3cret-of-the-mail-server"


class Office:
    """What the server does with letters: as aiosmtpd asks it."""

    def __init__(self) -> None:
        self.letters: list[tuple[str, list[str], EmailMessage]] = []
        self.says_to_recipient = "250 OK"
        self.says_to_letter = "250 OK"
        self.hangs_up = False
        self.answers = threading.Event()
        self.answers.set()

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if self.says_to_recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.says_to_recipient

    async def handle_DATA(  # noqa: N802 - the library's name
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        content = envelope.original_content or b""
        letter = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(letter, EmailMessage)
        self.letters.append((str(envelope.mail_from), envelope.rcpt_tos, letter))
        if self.hangs_up:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        await asyncio.to_thread(self.answers.wait, 10)
        return self.says_to_letter


class LoopbackController(Controller):
    """It is asked for a port of the system's choosing, and connects to that to see it run."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def post_office(office: Office, **options: Any) -> Iterator[LoopbackController]:
    controller = LoopbackController(office, hostname="127.0.0.1", port=0, **options)
    controller.start()
    try:
        yield controller
    finally:
        office.answers.set()
        controller.stop()


@pytest.fixture
def office(settings: Configuration) -> Iterator[Office]:
    kept = Office()
    with post_office(kept) as server:
        configure(settings, server.port)
        yield kept


def configure(settings: Configuration, port: int) -> None:
    settings.EMAIL_BACKEND = "trading.alerts.smtp.EmailBackend"
    settings.EMAIL_HOST = "127.0.0.1"
    settings.EMAIL_PORT = port
    settings.EMAIL_TIMEOUT = 2
    settings.DEFAULT_FROM_EMAIL = "livermore@example.org"


async def sent(message: Message = (NOTICE,), address: str | None = ANN) -> Outcome:
    return await Email(address).send(message)


async def test_letter_arrives_as_text_and_html(office: Office) -> None:
    assert await sent() == Delivered()
    ((sender, recipients, letter),) = office.letters
    assert (sender, recipients) == ("livermore@example.org", [ANN])
    assert letter["Subject"] == "▲ BTC-USD 1h on coinbase: level through +150"
    assert letter["Auto-Submitted"] == "auto-generated"
    text, html = letter.get_body(("plain",)), letter.get_body(("html",))
    assert text is not None
    assert html is not None
    for said in ("through +150", "66,312.4", "28.11.2026 13:00:00 Europe/Berlin", "+50.0  ▲"):
        assert said in text.get_content()
        assert said in html.get_content()


async def test_letters_of_two_readers_go_to_each_of_them(office: Office) -> None:
    outcomes = [*await asyncio.gather(sent(address=ANN), sent(address=BELA))]
    assert outcomes == [Delivered(), Delivered()]
    assert sorted(recipients for _, recipients, _ in office.letters) == [[ANN], [BELA]]


async def test_what_an_alert_holds_is_no_html_and_no_header(office: Office) -> None:
    evil = replace(
        NOTICE,
        title="<script>alert(1)</script>\r\nBcc: eve@example.org",
        summary="<img src=x>",
        facts=[("<b>", "<i>")],
    )
    assert await sent([evil]) == Delivered()
    ((_, recipients, letter),) = office.letters
    assert recipients == [ANN]
    assert "Bcc" not in letter
    html = letter.get_body(("html",))
    assert html is not None
    for tag in ("<script", "<img", "<b>", "<i>"):
        assert tag not in html.get_content()


async def test_chart_and_digest_are_in_the_letter(office: Office) -> None:
    assert await sent([replace(NOTICE, chart=b"\x89PNG")]) == Delivered()
    assert await sent(digest(40)) == Delivered()
    (_, _, charted), (_, _, many) = office.letters
    assert [part.get_filename() for part in charted.iter_attachments()] == ["chart-0.png"]
    assert many["Subject"] == "40 alerts within 5 min"
    html = many.get_body(("html",))
    assert html is not None
    assert html.get_content().count("BTC-USD 1h") == 40


@pytest.mark.parametrize(
    ("says", "outcome"),
    [
        ("450 busy", Later("the mail server does not take the letter now (450)")),
        ("554 spam", Refused("the mail server refuses the letter (554)")),
    ],
)
async def test_server_that_refuses_a_letter_is_believed(
    office: Office, says: str, outcome: Outcome
) -> None:
    office.says_to_letter = says
    assert await sent() == outcome


@pytest.mark.parametrize(
    ("says", "outcome"),
    [
        ("451 greylisted", Later("the mail server does not take the recipient now (451)")),
        ("550 nobody", Refused("the mail server refuses the recipient (550)")),
    ],
)
async def test_server_that_refuses_a_recipient_is_believed(
    office: Office, says: str, outcome: Outcome
) -> None:
    office.says_to_recipient = says
    assert await sent() == outcome
    assert not office.letters


async def test_server_that_hangs_up_behind_the_letter_leaves_it_uncertain(office: Office) -> None:
    office.hangs_up = True
    assert isinstance(await sent(), Uncertain)
    assert len(office.letters) == 1, "it had arrived"


async def test_server_that_hangs_behind_the_letter_leaves_it_uncertain(
    office: Office, settings: Configuration
) -> None:
    settings.EMAIL_TIMEOUT = 0.2
    office.answers.clear()
    assert isinstance(await sent(), Uncertain)
    assert len(office.letters) == 1, "it had arrived"


async def test_server_that_cannot_be_reached_was_sent_nothing(
    settings: Configuration, unused_tcp_port: int
) -> None:
    configure(settings, unused_tcp_port)
    assert await sent() == Later("the mail server cannot be reached (ConnectionRefusedError)")


async def test_server_that_says_nothing_was_sent_nothing(
    settings: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        configure(settings, silent.getsockname()[1])
        settings.EMAIL_TIMEOUT = 0.2
        assert isinstance(await sent(), Later)
        settings.EMAIL_TIMEOUT = 1
        monkeypatch.setattr(channel, "SECONDS", 0.1)
        assert await sent() == Later("the mail server cannot be reached (in time)")


async def test_wrong_password_is_dead_and_not_repeated(settings: Configuration) -> None:
    def nobody(*_: Any) -> AuthResult:
        return AuthResult(success=False, handled=False, message="535 5.7.8 no, " + PASSWORD)

    options = {"authenticator": nobody, "auth_require_tls": False}
    with post_office(Office(), **options) as server:
        configure(settings, server.port)
        settings.EMAIL_HOST_USER = "anna"
        settings.EMAIL_HOST_PASSWORD = PASSWORD
        outcome = await sent()
    assert outcome == Refused(
        "the mail server refuses the user or the password (535)", is_dead=True
    )


async def test_server_without_the_encryption_asked_for_gets_no_letter(
    office: Office, settings: Configuration
) -> None:
    settings.EMAIL_USE_TLS = True
    outcome = await sent()
    assert isinstance(outcome, Refused)
    assert outcome.is_dead
    assert not office.letters


async def test_without_a_server_or_an_address_the_way_out_is_told(
    settings: Configuration, office: Office
) -> None:
    assert await sent(address=None) == Refused(channel.NO_ADDRESS, is_dead=True)
    settings.EMAIL_HOST = ""
    assert await sent() == Refused(channel.NO_SERVER, is_dead=True)
    assert not office.letters
