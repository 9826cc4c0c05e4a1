"""Reading the positions of two users: no query is of both, and each is of one."""

from __future__ import annotations

from typing import Any

import pytest

from settings_app.models import User
from tests.control.positions.conftest import Exchange, holder, is_read
from tests.control.recording import queries
from tests.control.running import running_worker, status_when
from tests.control.test_isolation import ANNA, BELA, is_proper, whose

pytestmark = pytest.mark.timeout(120)


def test_every_query_of_a_reading_carries_one_users_id(
    transactional_db: None, redis_url: str, coinbase: Exchange, set_key: Any, settings: Any
) -> None:
    anna, bela = holder(pk=ANNA), holder("BELA", pk=BELA)
    settings.CREDENTIAL_GRANTS = {anna.username: ("COINBASE_*",), bela.username: ("BELA_*",)}
    set_key(coinbase.simulator.key)
    set_key(coinbase.simulator.key, "BELA")
    with queries() as asked, running_worker(coinbase.endpoints):
        for user in (anna, bela):
            status_when(user, is_read)
    people = {user.pk: user.sub for user in User.objects.all()}
    assert [query for query in asked if not is_proper(query, people)] == []
    for user in (anna, bela):
        mine = [query for query in asked if whose(query, people) == {user.pk}]
        assert any("trading_positionreading" in query.text for query in mine)
