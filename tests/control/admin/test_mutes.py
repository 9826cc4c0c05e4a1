"""Mutes in the admin: owner, stranger, anonymous, superuser."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from settings_app.models import User
from tests.control.admin.conftest import signed_in
from trading.models import Mute

LIST = "admin:trading_mute_changelist"
ONE = "admin:trading_mute_change"
ADD = "admin:trading_mute_add"


def entered(until: datetime, **fields: str) -> dict[str, str]:
    return {
        "exchange": "",
        "symbol": "",
        "kind": "",
        "until_0": f"{until:%Y-%m-%d}",
        "until_1": f"{until:%H:%M:%S}",
        **fields,
    }


@pytest.fixture
def tomorrow() -> datetime:
    return (timezone.now() + timedelta(days=1)).replace(microsecond=0)


@pytest.fixture
def mute(anna: User, tomorrow: datetime) -> Mute:
    return Mute.objects.create(user=anna, symbol="BTC-USD", kind="level", until=tomorrow)


def test_owner_mutes_a_symbol_and_later_changes_when_it_ends(
    anna: User, tomorrow: datetime
) -> None:
    client = signed_in(anna)
    wanted = entered(tomorrow, symbol=" btc-usd ", kind="momentum-shift", exchange="coinbase")
    assert client.post(reverse(ADD), wanted).status_code == 302
    mute = Mute.objects.get()
    assert (mute.user, mute.exchange, mute.symbol, mute.kind, mute.until) == (
        *(anna, "coinbase", "BTC-USD", "momentum-shift", tomorrow),
    )
    later = tomorrow + timedelta(days=1)
    changed = entered(later, symbol="BTC-USD", kind="momentum-shift", exchange="coinbase")
    assert client.post(reverse(ONE, args=[mute.pk]), changed).status_code == 302
    mute.refresh_from_db()
    assert mute.until == later
    page = client.get(reverse(LIST)).content.decode()
    for words in ("momentum shift of BTC-USD on coinbase", "In effect", f"{later:%Y-%m-%d}"):
        assert words in page
    Mute.objects.update(until=timezone.now())
    assert "Over" in client.get(reverse(LIST)).content.decode()


def test_a_mute_of_everything_names_nothing(anna: User, tomorrow: datetime) -> None:
    client = signed_in(anna)
    assert client.post(reverse(ADD), entered(tomorrow)).status_code == 302
    assert "every signal of every symbol" in client.get(reverse(LIST)).content.decode()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"symbol": "BTCUSD"}, "base and quote with a dash, such as BTC-USD"),
        ({"until_0": "2020-01-01"}, "This must be later than now."),
        ({"until_0": "2999-01-01"}, "This must be within 366 days"),
        ({"until_0": "x"}, "Enter a valid date"),
        ({"kind": "system"}, "Select a valid choice"),
        ({"exchange": "kraken"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_muted_is_refused_in_words(
    anna: User, tomorrow: datetime, wrong: dict[str, str], words: str
) -> None:
    page = signed_in(anna).post(reverse(ADD), entered(tomorrow, **wrong))
    assert words in page.content.decode()
    assert not Mute.objects.exists()


def test_the_same_mute_twice_is_an_error_in_words_not_a_crash(
    anna: User, bela: User, mute: Mute, tomorrow: datetime
) -> None:
    same = entered(tomorrow, symbol="btc-usd", kind="level")
    page = signed_in(anna).post(reverse(ADD), same)
    assert "You have this mute already" in page.content.decode()
    assert signed_in(bela).post(reverse(ADD), same).status_code == 302
    assert {one.user for one in Mute.objects.all()} == {anna, bela}


def test_a_strangers_mute_is_not_there(bela: User, mute: Mute, tomorrow: datetime) -> None:
    stranger = signed_in(bela)
    assert "BTC-USD" not in stranger.get(reverse(LIST)).content.decode()
    page = stranger.get(reverse(ONE, args=[mute.pk]), follow=True)
    assert "BTC-USD" not in page.content.decode()
    stranger.post(reverse(ONE, args=[mute.pk]), entered(tomorrow, symbol="ETH-USD"))
    stranger.post(reverse("admin:trading_mute_delete", args=[mute.pk]), {"post": "yes"})
    chosen = {"action": "delete_selected", "_selected_action": [mute.pk], "post": "yes"}
    stranger.post(reverse(LIST), chosen)
    mute.refresh_from_db()
    assert mute.symbol == "BTC-USD"


def test_anonymous_is_sent_to_the_sign_in(mute: Mute) -> None:
    assert Client().get(reverse(LIST)).status_code == 302


def test_a_superuser_who_changes_a_mute_leaves_it_its_owners(
    root: User, anna: User, mute: Mute, tomorrow: datetime
) -> None:
    client = signed_in(root)
    assert anna.username in client.get(reverse(LIST)).content.decode()
    changed = entered(tomorrow, symbol="ETH-USD")
    assert client.post(reverse(ONE, args=[mute.pk]), changed).status_code == 302
    mute.refresh_from_db()
    assert (mute.user, mute.symbol) == (anna, "ETH-USD")
