"""Two processes that save one user's settings at once: nothing is lost, and the log is whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection

from livermore.env import PROJECT
from settings_app import services
from settings_app.documents import at
from settings_app.models import User
from tests.settings import STACK
from tests.settings_app.factories import UserFactory
from tests.settings_app.racing import PATCHES, PLACES

SECONDS = 50
WRITERS = 2


def race(user: User, *options: str) -> list[dict[str, Any]]:
    """Let two writers go at the same moment; every save of theirs, in order of revision."""
    database = urlsplit(STACK.database_url)._replace(path=f"/{connection.settings_dict['NAME']}")
    environment = {**os.environ, "DATABASE_URL": database.geturl()}
    with ExitStack() as running:
        writers = [
            running.enter_context(
                subprocess.Popen(
                    [
                        *(sys.executable, "-m", "tests.settings_app.racing"),
                        *(str(user.pk), str(writer), *options),
                    ],
                    cwd=PROJECT,
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for writer in range(WRITERS)
        ]
        for writer in writers:
            running.callback(writer.kill)  # before anything waits for it
            assert writer.stdout is not None
            assert json.loads(writer.stdout.readline()) == "ready"
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write("go\n")
            writer.stdin.flush()
        saves = []
        for writer in writers:
            told, _ = writer.communicate(timeout=SECONDS)
            assert writer.returncode == 0
            saves += [json.loads(line) for line in told.splitlines()]
    return sorted(saves, key=lambda save: int(save["revision"]))


def logged(user: User) -> list[tuple[int, list[str]]]:
    """What the log says of a user's settings: revisions and places, oldest first."""
    entries = LogEntry.objects.filter(object_id=str(user.pk)).order_by("id")
    messages = [json.loads(entry.change_message)[0] for entry in entries]
    return [(message["settings_revision"], message["changed"]["fields"]) for message in messages]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("options", [(), ("--rebase",)], ids=["regardless", "rebased"])
def test_of_a_thousand_saves_of_two_processes_none_is_lost(options: tuple[str, ...]) -> None:
    user = UserFactory.create()
    saves = race(user, *options)

    stored = services.read(user.pk)
    assert len({place for place, _ in PLACES}) == 20
    assert [save["revision"] for save in saves] == list(range(2, WRITERS * PATCHES + 2))
    assert stored.revision == 1 + WRITERS * PATCHES

    last = {save["place"]: save["value"] for save in saves}
    document = stored.document.to_document()
    assert {place: at(document, place) for place in last} == last
    assert last.keys() == {place for place, _ in PLACES}

    assert logged(user) == [(save["revision"], save["paths"]) for save in saves]
    assert all(save["paths"] for save in saves)

    turns = sum(one["writer"] != next_["writer"] for one, next_ in pairwise(saves))
    assert turns > 1, "the writers did not meet, so nothing was tried"
    if options:
        assert any(save["rebased_from"] for save in saves)
