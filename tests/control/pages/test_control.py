"""The control panel's page and addresses: owner, stranger, anonymous; with and without a worker."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from control.protocol import (
    BackfillStatus,
    CacheStatus,
    CommandResult,
    Fault,
    HistoryEntry,
    State,
    Undoable,
    commands_of,
    history_of,
    now_ms,
    result_of,
    status_of,
)
from settings_app import services
from settings_app.models import User
from tests.control.browsing import BACKEND
from tests.control.statuses import a_status
from tests.settings_app.factories import UserFactory
from trading.models import Alert

pytestmark = pytest.mark.django_db

PAGE = "/admin/control/"
COMMAND = "/admin/control/command"
JSON = {"accept": "application/json"}


@pytest.fixture
def wire(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


@pytest.fixture
def owner() -> User:
    return UserFactory.create()


@pytest.fixture
def signed_in(owner: User, redis_url: str) -> Client:
    """Signed in as the owner."""
    client = Client()
    client.force_login(owner, backend=BACKEND)
    return client


@pytest.fixture
def stranger(redis_url: str) -> Client:
    """Signed in as somebody else."""
    client = Client()
    client.force_login(UserFactory.create(), backend=BACKEND)
    return client


# -- the page


def test_signing_in_lands_on_the_control_panel(owner: User, redis_url: str) -> None:
    owner.set_password("correct horse")
    owner.save()
    credentials = {"username": owner.username, "password": "correct horse"}
    for path in ("/admin/login/", "/admin/login/?next=/admin/"):
        assert f'value="{PAGE}"' in Client().get(path).text
        response = Client().post(path, {**credentials, "next": PAGE})
        assert response.headers["Location"] == PAGE


def test_a_page_that_was_asked_for_comes_before_the_panel(redis_url: str) -> None:
    response = Client().get("/admin/login/?next=/admin/trading/alert/")
    assert 'value="/admin/trading/alert/"' in response.text


def test_anonymous_and_ordinary_users_are_sent_to_the_sign_in(redis_url: str) -> None:
    ordinary = Client()
    ordinary.force_login(UserFactory.create(is_staff=False), backend=BACKEND)
    for client in (Client(), ordinary):
        for path in (PAGE, f"/admin/control/result/{uuid.uuid4()}"):
            response = client.get(path)
            assert response.status_code == 302
            assert response.headers["Location"].startswith("/admin/login/")
        assert client.post(COMMAND, {"command": "pause"}).status_code == 302
    assert not User.objects.filter(desired_revision__gt=0).exists()


def test_the_page_shows_the_status_without_javascript(
    signed_in: Client, owner: User, wire: redis.Redis
) -> None:
    wire.set(status_of(owner.sub), a_status(owner.sub).to_json())
    page = signed_in.get(PAGE)
    assert page.status_code == 200
    for words in ("Running", "scalper-macdv", "1,234", "revision 7", "Coinbase", "BTC", "−151"):
        assert words in page.text
    assert 'id="cp-pill" data-state="running"' in page.text


def test_the_page_forbids_every_script_and_style_that_is_not_its_own(signed_in: Client) -> None:
    page = signed_in.get(PAGE)
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert " style=" not in page.text
    assert " onclick=" not in page.text


@pytest.mark.parametrize(
    ("changes", "state", "notice"),
    [
        ({"state": State.PAUSED, "paused_at": 1}, "paused", "paused"),
        ({"state": State.STARTING}, "starting", None),
        ({"at": 1}, "stale", "stale"),
        (
            {
                "state": State.FAULTED,
                "fault": Fault(error="boom", where="desk", since=1, retry_at=2, attempt=3),
            },
            "faulted",
            "faulted",
        ),
        (
            {
                "state": State.FAULTED,
                "fault": Fault(error="boom", where="settings", since=1, retry_at=2, attempt=1),
            },
            "faulted",
            "unusable",
        ),
        (
            {"data_plane": {"state": "hangs", "beat_age_ms": 5_000}},
            "running",
            "hangs",
        ),
    ],
)
def test_each_state_is_named_and_explained(
    signed_in: Client,
    owner: User,
    wire: redis.Redis,
    changes: dict[str, object],
    state: str,
    notice: str | None,
) -> None:
    User.objects.filter(pk=owner.pk).update(runtime_mode="scalper-macdv")
    wire.set(status_of(owner.sub), a_status(owner.sub, **changes).to_json())
    page = signed_in.get(PAGE)
    assert f'id="cp-pill" data-state="{state}"' in page.text
    assert shown_notices(page.text) == ([notice] if notice else [])


def test_without_a_worker_the_page_says_so_and_shows_what_is_wanted(signed_in: Client) -> None:
    page = signed_in.get(PAGE)
    assert 'id="cp-pill" data-state="offline"' in page.text
    assert "position-monitor" in page.text
    assert shown_notices(page.text) == ["offline"]


def test_whom_no_worker_hosts_is_told_why_on_the_panel(signed_in: Client, owner: User) -> None:
    assert "No worker is running this account</strong>" in signed_in.get(PAGE).text
    services.patch(owner.pk, {"exchanges": {"coinbase": {"enabled": False}}}, by=owner)
    page = signed_in.get(PAGE).text
    assert "No worker is running this account: no exchange is enabled in the settings" in page


def test_who_has_no_exchange_yet_is_told_where_to_begin(signed_in: Client, owner: User) -> None:
    services.patch(owner.pk, {"exchanges": {"coinbase": {"enabled": False}}}, by=owner)
    page = signed_in.get(PAGE).text
    assert shown_notices(page) == ["first-run"]
    for name in ("settings", "symbols"):
        assert f'href="{reverse(f"admin:{name}")}"' in page
    assert "Set up an exchange" in page


def test_cache_and_backfills_are_shown_without_javascript(
    signed_in: Client, owner: User, wire: redis.Redis
) -> None:
    cache = CacheStatus(at=1, keys=1_204, memory_bytes=43_202_560, hits=996, misses=4)
    backfill = BackfillStatus(
        id="one",
        symbol="JUP-USDT",
        exchange="kucoin",
        timeframes=["4h"],
        state="running",
        done=182,
        total=300,
        at=1,
    )
    status = a_status(owner.sub, cache=cache, backfill=[backfill])
    wire.set(status_of(owner.sub), status.to_json())
    page = signed_in.get(PAGE).text
    for words in ("99.6 %", "1,204", "182 of 300", "kucoin 4h"):
        assert words in page
    assert '<progress max="300" value="182" aria-label="JUP-USDT"' in page


def test_with_redis_away_the_page_says_that_nothing_is_known(
    signed_in: Client, redis_away: None
) -> None:
    page = signed_in.get(PAGE)
    assert page.status_code == 200
    assert 'id="cp-pill" data-state="unknown"' in page.text
    assert shown_notices(page.text) == ["away"]


def test_a_status_this_code_cannot_read_is_unknown_and_breaks_no_page(
    signed_in: Client, owner: User, wire: redis.Redis
) -> None:
    wire.set(status_of(owner.sub), '{"from": "a newer worker"}')
    assert 'data-state="unknown"' in signed_in.get(PAGE).text


def test_a_recorded_difference_is_shown_while_nobody_applies_it(
    signed_in: Client, owner: User, wire: redis.Redis
) -> None:
    User.objects.filter(pk=owner.pk).update(is_paused=True, desired_revision=3)
    wire.set(status_of(owner.sub), a_status(owner.sub, at=now_ms() - 5_000).to_json())
    page = signed_in.get(PAGE)
    assert shown_notices(page.text) == ["stale", "recorded"]
    assert "pause, switch to position-monitor" in page.text


def test_only_own_signals_are_listed(signed_in: Client, owner: User) -> None:
    for user, symbol in ((owner, "SOL-USD"), (UserFactory.create(), "SECRET-USD")):
        an_alert(user, symbol)
    page = signed_in.get(PAGE)
    assert "SOL" in page.text
    assert "SECRET" not in page.text


def test_undo_names_what_it_would_undo_and_is_not_offered_otherwise(
    signed_in: Client, owner: User, wire: redis.Redis
) -> None:
    assert 'value="undo" title="" hidden' in signed_in.get(PAGE).text
    undo = Undoable(command="pause", text="resume")
    wire.set(status_of(owner.sub), a_status(owner.sub, undo=undo).to_json())
    page = signed_in.get(PAGE).text
    assert 'value="undo" title="resume" >' in page
    assert "<span>Undo pause</span>" in page
    wire.set(status_of(owner.sub), a_status(owner.sub, undo=undo, at=1).to_json())
    assert 'value="undo" title="resume" hidden' in signed_in.get(PAGE).text


def test_the_last_commands_are_listed_with_who_and_what_became_of_them(
    signed_in: Client, owner: User, wire: redis.Redis
) -> None:
    stranger = UserFactory.create()
    a_line(wire, owner, command="pause", status="succeeded", who="anna", via="panel", ms=4)
    a_line(wire, owner, command="undo", status="failed", message="<b>moved</b>", via="program")
    a_line(wire, owner, command="status", status="expired", who="root", via="command line")
    a_line(wire, stranger, command="switch-mode", status="succeeded", who="mallory")
    text = signed_in.get(PAGE).text.partition('id="cp-commands"')[2].partition("<template")[0]
    for words in ("pause", "anna</span>", "Applied", "4 ms", "Failed", "Expired", ">program<"):
        assert words in text
    assert "root, command line" in text
    assert "&lt;b&gt;moved" in text
    assert "mallory" not in text
    assert '<tr class="cp-none" hidden>' in text


def test_a_line_that_another_version_wrote_breaks_no_page(
    signed_in: Client, owner: User, wire: redis.Redis
) -> None:
    wire.xadd(history_of(owner.sub), {"entry": "{"})
    a_line(wire, owner, command="pause", status="deferred")
    assert "Deferred" in signed_in.get(PAGE).text


# -- commands


def test_a_command_is_sent_in_the_name_of_who_is_signed_in(
    signed_in: Client, owner: User, wire: redis.Redis
) -> None:
    signed_in.post(COMMAND, {"command": "undo"}, headers=JSON)
    rows: Any = wire.xrange(commands_of(owner.sub))
    [(_, fields)] = rows
    assert json.loads(fields["origin"]) == {"who": owner.username, "via": "panel"}


def test_a_page_of_whoever_was_signed_in_before_sends_nothing(
    stranger: Client, owner: User, wire: redis.Redis
) -> None:
    theirs = {**JSON, "livermore-user": owner.sub}
    response = stranger.post(COMMAND, {"command": "pause"}, headers=theirs)
    assert response.status_code == 401
    assert response.json() == {"message": "You are signed out."}
    assert wire.keys("livermore:commands:*") == []
    assert not User.objects.filter(is_paused=True).exists()


def test_a_script_gets_the_id_and_what_was_recorded(signed_in: Client, owner: User) -> None:
    response = signed_in.post(COMMAND, {"command": "pause"}, headers=JSON)
    assert response.status_code == 202
    body = response.json()
    assert str(uuid.UUID(body["commandId"])) == body["commandId"]
    assert body["sent"] is True
    assert body["desired"] == {"isPaused": True, "mode": "position-monitor", "revision": 1}
    owner.refresh_from_db()
    assert owner.is_paused is True


def test_a_form_comes_back_to_the_page_with_what_happened(
    signed_in: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control.pages.control.WAIT_SECONDS", 0.05)
    response = signed_in.post(COMMAND, {"command": "pause"})
    assert response.headers["Location"] == PAGE
    [message] = get_messages(response.wsgi_request)
    assert "recorded, not yet applied" in str(message)


@pytest.mark.parametrize(
    ("form", "payload"),
    [
        (
            {"command": "force-backfill", "symbol": "btc-usd", "exchange": ""},
            {"symbol": "BTC-USD"},
        ),
        (
            {
                "command": "force-backfill",
                "symbol": "BTC-USDT",
                "exchange": "kucoin",
                "timeframes": ["1m", "1h"],
            },
            {"symbol": "BTC-USDT", "exchange": "kucoin", "timeframes": ["1m", "1h"]},
        ),
        (
            {"command": "clear-cache", "scope": "timeframe", "timeframe": "1h", "symbol": ""},
            {"scope": "timeframe", "timeframe": "1h"},
        ),
        ({"command": "clear-cache", "scope": "all", "mode": "x"}, {"scope": "all"}),
    ],
)
def test_a_form_of_the_page_is_the_payload_of_its_command(
    signed_in: Client,
    owner: User,
    wire: redis.Redis,
    form: dict[str, Any],
    payload: dict[str, Any],
) -> None:
    assert signed_in.post(COMMAND, form, headers=JSON).status_code == 202
    rows: Any = wire.xrange(commands_of(owner.sub))
    [(_, fields)] = rows
    assert json.loads(fields["command"])["payload"] == payload


def test_a_payload_that_means_nothing_is_refused_with_its_words(
    signed_in: Client, owner: User, wire: redis.Redis
) -> None:
    form = {"command": "clear-cache", "scope": "symbol"}
    response = signed_in.post(COMMAND, form, headers=JSON)
    assert response.status_code == 422
    assert "needs a symbol" in response.json()["message"]
    assert wire.xlen(commands_of(owner.sub)) == 0


def test_a_mode_that_is_not_implemented_is_refused_before_anything_is_recorded(
    signed_in: Client, owner: User
) -> None:
    data = {"command": "switch-mode", "mode": "scalper-orderbook"}
    response = signed_in.post(COMMAND, data, headers=JSON)
    assert response.status_code == 422
    assert "not implemented" in response.json()["message"]
    owner.refresh_from_db()
    assert owner.desired_revision == 0


@pytest.mark.parametrize("name", ["", "add-symbol", "shutdown", "pause; resume"])
def test_what_the_page_does_not_offer_is_refused(signed_in: Client, name: str) -> None:
    response = signed_in.post(COMMAND, {"command": name}, headers=JSON)
    assert response.status_code == 400
    assert "commandId" not in response.json()


def test_with_redis_away_a_pause_is_recorded_and_a_reload_is_refused(
    signed_in: Client, owner: User, redis_away: None
) -> None:
    pause = signed_in.post(COMMAND, {"command": "pause"}, headers=JSON)
    assert (pause.status_code, pause.json()["sent"]) == (202, False)
    assert pause.json()["desired"]["isPaused"] is True
    reload = signed_in.post(COMMAND, {"command": "reload-settings"}, headers=JSON)
    assert reload.status_code == 503
    assert "Nothing was sent" in reload.json()["message"]


def test_a_payload_cannot_name_another_user(signed_in: Client, owner: User) -> None:
    victim = UserFactory.create()
    data = {"command": "pause", "sub": victim.sub, "user": victim.pk}
    assert signed_in.post(COMMAND, data, headers=JSON).status_code == 202
    victim.refresh_from_db()
    assert victim.is_paused is None


def test_a_command_without_its_token_is_refused(owner: User, redis_url: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner, backend=BACKEND)
    assert client.post(COMMAND, {"command": "pause"}, headers=JSON).status_code == 403


@pytest.mark.parametrize(
    ("method", "path"), [("get", COMMAND), ("post", PAGE), ("put", COMMAND), ("delete", PAGE)]
)
def test_other_methods_are_not_allowed(signed_in: Client, method: str, path: str) -> None:
    assert getattr(signed_in, method)(path).status_code == 405


# -- results


def test_the_owner_reads_the_result_and_a_stranger_cannot_tell_it_exists(
    signed_in: Client, stranger: Client, owner: User, wire: redis.Redis
) -> None:
    command_id = str(uuid.uuid4())
    result = CommandResult(command_id=command_id, status="succeeded", success=True, timestamp=1)
    wire.set(result_of(owner.sub, command_id), result.to_json())
    path = reverse("admin:control-result", args=[command_id])
    assert signed_in.get(path).json()["status"] == "succeeded"
    unknown = stranger.get(reverse("admin:control-result", args=[uuid.uuid4()]))
    theirs = stranger.get(path)
    assert theirs.status_code == unknown.status_code == 404
    assert theirs.content == unknown.content


def a_line(wire: redis.Redis, user: User, **changes: Any) -> None:
    """A line in the history of a user."""
    facts = {"id": str(uuid.uuid4()), "at": now_ms(), "ms": 7, **changes}
    line = HistoryEntry.model_validate(facts)
    wire.xadd(history_of(user.sub), {"entry": line.to_json()})


def shown_notices(html: str) -> list[str]:
    """The names of the callouts that are not hidden, in their order."""
    names = []
    for part in html.split('data-notice="')[1:]:
        name, _, rest = part.partition('"')
        if " hidden" not in rest.partition(">")[0]:
            names.append(name)
    return names


def an_alert(user: User, symbol: str) -> Alert:
    """A signal of a user, fired on a candle that closed at noon."""
    return Alert.objects.create(
        user=user,
        exchange="coinbase",
        symbol=symbol,
        timeframe="1h",
        kind="level",
        direction="up",
        candle_opened_at="2026-01-01T11:00:00Z",
        candle_closed_at="2026-01-01T12:00:00Z",
        value=151.0,
        price=100.0,
        level=150.0,
        stage="risk-overbought",
        detail="outward through +150",
        values={},
    )
