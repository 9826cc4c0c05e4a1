"""The demo user: made once, with a random password, watching something."""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from settings_app import services
from settings_app.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]


@pytest.fixture(autouse=True)
def password_file() -> Iterator[Path]:
    file: Path = settings.ENVIRONMENT.state.demo_password
    file.unlink(missing_ok=True)
    yield file
    file.unlink(missing_ok=True)


def test_the_demo_user_watches_markets_of_three_exchanges(password_file: Path) -> None:
    call_command("ensure_demo")
    user = User.objects.get()
    assert user.is_superuser
    assert (user.is_paused, user.runtime_mode) == (False, "scalper-macdv")
    document = services.read(user.pk).document.to_document()
    watched = Counter(row["exchange"] for row in document["watchlist"])
    assert watched == {"coinbase": 12, "binance": 2, "kucoin": 2}
    assert document["exchanges"]["coinbase"]["enabled"] is True
    assert user.check_password(password_file.read_text().strip())
    assert stat.S_IMODE(password_file.stat().st_mode) == 0o600


def test_a_second_start_changes_nothing(password_file: Path) -> None:
    call_command("ensure_demo")
    before = (password_file.read_text(), User.objects.values().get())
    call_command("ensure_demo")
    assert (password_file.read_text(), User.objects.values().get()) == before


def test_a_removed_password_file_means_a_new_password(password_file: Path) -> None:
    call_command("ensure_demo")
    first = password_file.read_text().strip()
    password_file.unlink()
    call_command("ensure_demo")
    second = password_file.read_text().strip()
    assert second != first
    assert User.objects.get().check_password(second)


def test_a_password_of_the_users_own_is_kept_and_not_shown(password_file: Path) -> None:
    call_command("ensure_demo")
    user = User.objects.get()
    user.set_password("of my own choice")
    user.save(update_fields=["password"])
    call_command("ensure_demo")
    assert User.objects.get().check_password("of my own choice")
    assert password_file.read_text() == ""


def test_who_replaced_the_demo_user_is_not_given_it_back(password_file: Path) -> None:
    User.objects.create_user("me")
    call_command("prepare", "--demo")
    assert [user.username for user in User.objects.all()] == ["me"]
