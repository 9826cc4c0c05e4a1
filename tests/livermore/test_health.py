"""``/healthz`` and ``/readyz``: without sign-in, without secrets, true."""

from __future__ import annotations

import threading

import pytest
import redis
from django.test import Client
from pytest_django import Settings

from control import protocol
from livermore import health
from settings_app.models import User

PATIENCE_SECONDS = 20.0
ALL_OK = {"database": "ok", "redis": "ok", "runtime": "ok"}


def test_healthz_needs_nothing(client: Client) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_readyz_is_unready_without_a_runtime(client: Client, redis_url: str) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "checks": {**ALL_OK, "runtime": "failed"}}


@pytest.mark.django_db
def test_readyz_hears_the_status_of_a_hosted_user(client: Client, redis_url: str) -> None:
    user = User.objects.create_user("trader", is_staff=True)
    with redis.Redis.from_url(redis_url) as wire:
        wire.set(protocol.status_of(user.sub), "{}", ex=6)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "checks": ALL_OK})


@pytest.mark.django_db
def test_readyz_hears_a_worker_that_hosts_nobody_yet(client: Client, redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as wire:
        wire.set(protocol.worker_of("w1"), "1", ex=6)
    assert client.get("/readyz").status_code == 200


@pytest.mark.django_db
def test_readyz_without_redis_says_so_and_nothing_more(client: Client, settings: Settings) -> None:
    settings.REDIS_URL = "redis://:hush@127.0.0.1:1/0"
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": "ok", "redis": "failed", "runtime": "failed"}
    assert b"hush" not in answer.content


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_are_never_cached_and_take_no_commands(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405
    assert "no-store" in client.get("/healthz").headers["Cache-Control"]


@pytest.mark.django_db
def test_readyz_does_not_wait_for_a_database_that_hangs(
    client: Client, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = threading.Event()
    monkeypatch.setattr(health, "_DATABASE_SECONDS", 0.05)
    monkeypatch.setattr(health, "_ask_database", lambda: ends.wait(PATIENCE_SECONDS))
    try:
        for _ in range(3):
            answer = client.get("/readyz")
            assert answer.status_code == 503
            assert answer.json()["checks"]["database"] == "failed"
    finally:
        ends.set()
