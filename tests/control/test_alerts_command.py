"""``manage.py alerts``: what it prints, what it does, how it exits."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from settings_app.models import User
from tests.control.alerts import delivery, told, troubled
from tests.control.deliveries.worker import worker_saying
from tests.settings_app.factories import UserFactory
from trading.models import Alert, Delivery, Mute

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna() -> User:
    return UserFactory.create(username="anna")


@pytest.fixture
def bela() -> User:
    return UserFactory.create(username="bela")


def called(*words: str) -> list[str]:
    """What is printed."""
    out = StringIO()
    call_command("alerts", *words, stdout=out, stderr=StringIO())
    return out.getvalue().splitlines()


def test_alerts_are_listed_in_columns_newest_first(anna: User) -> None:
    first = told(anna, state="failed")
    delivery(first, state="failed")
    delivery(first, "email", state="delivered")
    second = troubled(anna)
    head, newest, oldest = called("list")
    assert head.split()[:3] == ["id", "when", "(UTC)"]
    assert newest.split()[0] == str(second.pk)
    assert "Nothing comes from Coinbase." in newest
    assert oldest.startswith(str(first.pk))
    for words in (
        "2026-09-30 12:00",
        "BTC-USD 1h on coinbase",
        "level up through +150",
        "0.0000000012",
    ):
        assert words in oldest
    assert oldest.endswith("Failed   discord Failed, email Delivered")


def test_json_is_a_line_for_each_alert_as_http_tells_it(anna: User) -> None:
    ids = [told(anna, hour=hour).pk for hour in range(3)]
    lines = [json.loads(line) for line in called("list", "--json", "--limit", "2")]
    assert [line["id"] for line in lines] == [ids[2], ids[1]]
    assert (lines[0]["price"], lines[0]["deliveries"]) == ("0.0000000012", [])


def test_a_list_is_filtered_as_over_http(anna: User) -> None:
    told(anna)
    found = told(anna, hour=1, state="muted", symbol="ETH-USD", acknowledged_at=timezone.now())
    now = timezone.now() + timedelta(minutes=1)
    for options in (
        ("--state", "muted"),
        ("--symbol", "ETH-USD", "--about", "signals"),
        ("--acknowledged", "true", "--until", now.isoformat()),
    ):
        [line] = called("list", "--json", *options)
        assert json.loads(line)["id"] == found.pk
    assert called("list", "--since", f"{now:%Y-%m-%dT%H:%M:%S}") == []


def test_one_alert_is_shown_with_its_deliveries_and_values(anna: User) -> None:
    alert = told(anna, state="failed")
    delivery(alert, state="failed", reason="the webhook is gone", attempts=7)
    delivery(alert, "email", attempts=1)
    shown = called("show", str(alert.pk))
    assert shown[0] == f"{alert.pk}: BTC-USD 1h on coinbase, level up through +150"
    for line in (
        "candle closed: 2026-09-30 12:00:00 UTC",
        "state: Failed",
        "acknowledged: not yet",
        "Discord: Failed, the webhook is gone (sent 7 times)",
        "E-mail: Waiting; sent next at 2026-09-30 12:00:00 UTC (sent once)",
        '    "macdV": 160.25',
    ):
        assert line in shown
    [line] = called("show", str(alert.pk), "--json")
    assert json.loads(line)["values"] == {"bar": {"macdV": 160.25}}
    system = troubled(anna)
    assert called("show", str(system.pk))[0].endswith("Livermore, Nothing comes from Coinbase.")


def test_what_failed_is_sent_again_by_its_id_or_all_at_once(anna: User) -> None:
    one, other = (told(anna, hour=hour, state="failed") for hour in range(2))
    rows = [delivery(one, state="uncertain"), delivery(other, state="failed")]
    assert called("retry", "--all") == ["1 delivery to be sent again."]
    assert called("retry", str(one.pk)) == ["1 delivery to be sent again."]
    assert called("retry", "--all") == ["None had failed."]
    for row in rows:
        row.refresh_from_db()
        assert row.state == "waiting"


def test_a_mute_is_made_shown_and_ended_by_the_same_words(anna: User) -> None:
    words = ("--symbol", "doge-usd", "--kind", "level")
    [made] = called("mute", *words, "--for", "8h")
    mute = Mute.objects.get()
    assert made == f"Muted: level of DOGE-USD, until {mute.until:%Y-%m-%d %H:%M:%S} UTC."
    assert abs(mute.until - timezone.now() - timedelta(hours=8)) < timedelta(minutes=1)
    assert called("mutes") == [made]
    [line] = called("mutes", "--json")
    assert json.loads(line)["symbol"] == "DOGE-USD"
    with pytest.raises(CommandError, match="no such mute"):
        called("unmute", "--symbol", "DOGE-USD")
    assert called("unmute", *words) == ["Sent again: level of DOGE-USD."]
    assert called("unmute", "--all") == ["Nothing was muted."]


def test_every_mute_is_ended_at_once(anna: User, bela: User) -> None:
    for user in ("anna", "bela"):
        called("mute", "--user", user, "--for", "1d")
        called("mute", "--user", user, "--symbol", "BTC-USD", "--for", "7d")
    assert len(called("unmute", "--user", "anna", "--all")) == 2
    assert {mute.user for mute in Mute.objects.all()} == {bela}


@pytest.mark.parametrize(
    ("words", "way_out"),
    [
        (("list", "--limit", "0"), "--limit must be from 1 to 200"),
        (("list", "--since", "yesterday"), "--since must be a time, such as 2026-"),
        (("list", "--state", "lost"), "choose from 'pending', 'delivered'"),
        (("show", "1"), "anna has no alert 1."),
        (("retry",), "name the alerts by their ids, or send all again with --all"),
        (("retry", "--all", "7"), "name the alerts by their ids"),
        (("mute",), "say how long: --for 8h, or --until"),
        (("mute", "--for", "1d", "--until", "2026-12-01"), "not both"),
        (("mute", "--for", "forever"), "--for must be minutes, hours or days"),
        (("mute", "--for", "999d"), "--for must be within 366 days"),
        (("mute", "--for", "0h"), "--for must be minutes, hours or days from 1 on"),
        (("mute", "--until", "2020-01-01"), "--until must be later than now"),
        (("mute", "--symbol", "BTCUSD", "--for", "1d"), "--symbol must be base and quote"),
        (("unmute",), "There is no such mute"),
        (("unmute", "--all", "--symbol", "BTC-USD"), "say which mute, or --all"),
        ((), "the following arguments are required: ACT"),
    ],
)
def test_what_cannot_be_done_says_the_way_out(
    anna: User, words: tuple[str, ...], way_out: str
) -> None:
    with pytest.raises(CommandError) as refused:
        called(*words)
    assert way_out in str(refused.value)


def test_a_strangers_alert_is_like_one_that_never_was(anna: User, bela: User) -> None:
    alert = told(bela, state="failed")
    row = delivery(alert, state="failed")
    for words in (("show", str(alert.pk)), ("retry", str(alert.pk)), ("show", str(10**40))):
        with pytest.raises(CommandError, match="anna has no alert"):
            called(*words, "--user", "anna")
    assert called("list", "--user", "anna") == []
    assert called("retry", "--all", "--user", "anna") == ["None had failed."]
    row.refresh_from_db()
    assert row.state == "failed"
    assert Alert.objects.get().state == "failed"
    with pytest.raises(CommandError, match="There are several users"):
        called("list")


@pytest.fixture
def reachable(transactional_db: None) -> User:
    """Somebody whose settings have Discord send."""
    discord = {"enabled": True, "webhook_url_environment_variable": "DISCORD_WEBHOOK"}
    user: User = UserFactory.create(document={"notifications": {"discord": discord}})
    return user


def test_a_channel_is_tried_and_what_became_of_it_is_said(reachable: User) -> None:
    with worker_saying(Delivery.State.DELIVERED):
        assert called("test", "discord") == ["Discord: Delivered (sent once)"]
    with (
        worker_saying(Delivery.State.FAILED, "the webhook is gone"),
        pytest.raises(CommandError, match="Discord: Failed, the webhook is gone"),
    ):
        called("test", "discord")
    assert {alert.user for alert in Alert.objects.all()} == {reachable}


def test_a_trial_that_nobody_sends_says_so(reachable: User) -> None:
    with pytest.raises(CommandError) as unsent:
        called("test", "discord", "--wait", "0")
    assert f"`alerts show {Alert.objects.get().pk}` tells" in str(unsent.value)


def test_a_channel_that_is_turned_off_is_not_tried(reachable: User) -> None:
    with pytest.raises(CommandError, match="Push is turned off in the settings: set /notif"):
        called("test", "push")
    assert not Alert.objects.exists()
