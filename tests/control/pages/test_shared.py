"""What stands in the header and at the side of every page, the admin's own too."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from settings_app.models import User
from tests.control.admin.conftest import signed_in
from tests.settings_app.factories import UserFactory

PAGES = ("control", "symbols", "symbols-scanner", "signals", "chart", "settings")
THE_ADMINS = ("index", "password_change", "password_change_done", "trading_alert_changelist")


@pytest.fixture
def anna(db: None, redis_url: str) -> User:
    user: User = UserFactory.create()
    return user


@pytest.mark.parametrize("name", [*PAGES, *THE_ADMINS])
def test_every_page_has_the_same_header_and_side_bar(anna: User, name: str) -> None:
    page = signed_in(anna).get(reverse(f"admin:{name}")).content.decode()
    for once in ('id="lv-help"', 'id="logout-form"', 'id="lv-header-state"', 'id="nav-sidebar"'):
        assert page.count(once) == 1, once
    assert page.count('aria-label="Change password"') == 1
    for key in "cyis":
        assert page.count(f'data-key="{key}"') == 1


@pytest.mark.parametrize("name", [*PAGES, *THE_ADMINS])
def test_every_page_is_sent_compressed(anna: User, name: str) -> None:
    browser, address = signed_in(anna), reverse(f"admin:{name}")
    plain, packed = browser.get(address), browser.get(address, headers={"accept-encoding": "gzip"})
    assert packed["Content-Encoding"] == "gzip"
    assert len(packed.content) < len(plain.content) / 2


def listed(user: User, name: str) -> str:
    return signed_in(user).get(reverse(f"admin:{name}")).content.decode()


@pytest.mark.parametrize("name", ["control", "index"])
def test_only_a_superuser_is_shown_who_tried_to_sign_in_and_last(anna: User, name: str) -> None:
    anna.user_permissions.add(*Permission.objects.filter(content_type__app_label="axes"))
    assert "/admin/axes/" not in listed(anna, name)
    root = UserFactory.create(is_superuser=True)
    page = listed(root, name)
    side = page.split("</nav>")[0]
    assert "<h2>Sign-ins</h2>" in side
    assert side.index("<h2>Sign-ins</h2>") > side.index("/admin/settings_app/user/")
    assert side.index("/admin/axes/accessattempt/") > side.index("<h2>Sign-ins</h2>")
    assert "Axes" not in page
