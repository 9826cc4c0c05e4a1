"""Users come, go, and are shared out, without a restart of anybody."""

from __future__ import annotations

import pytest

from control.protocol import State
from settings_app.models import User
from tests.control.running import eventually
from tests.faults.stage import Stage, patiently, works

pytestmark = pytest.mark.timeout(90)


def names_of(stage: Stage, user: User) -> list[str]:
    """Every key of a user, but the answers, which live on for an hour for whoever asks."""
    with stage.servers.redis.connect() as redis:
        return [
            name
            for name in redis.scan_iter(f"livermore:*{user.sub}*")
            if not name.startswith("livermore:result:")
        ]


def test_new_deactivated_and_deleted_users_are_followed_without_a_restart(
    stage: Stage, anna: User
) -> None:
    worker = stage.worker()
    stage.hosted(anna, worker)
    works(anna)
    newcomer = stage.trader("SOL-USD")
    assert stage.hosted(newcomer, worker).state in {State.STARTING, State.RUNNING}
    works(newcomer)
    User.objects.filter(pk=anna.pk).update(is_active=False)
    eventually(lambda: names_of(stage, anna) == [])
    User.objects.filter(pk=anna.pk).update(is_active=True)
    stage.hosted(anna, worker)
    works(anna)
    User.objects.get(pk=newcomer.pk).delete()
    eventually(lambda: names_of(stage, newcomer) == [])
    works(anna)
    assert worker.is_running


def test_a_worker_for_one_user_leaves_the_others_alone(
    stage: Stage, anna: User, bela: User
) -> None:
    for_bela = stage.worker(bela.username)
    stage.hosted(bela, for_bela)
    works(bela)
    assert not for_bela.drives(anna.pk)
    assert names_of(stage, anna) == []
    for_all = stage.worker()
    stage.hosted(anna, for_all)
    works(anna)
    assert for_bela.drives(bela.pk)
    for_bela.kill()
    stage.expire_leases()
    patiently(lambda: for_all.drives(bela.pk))
    works(bela)
