"""Secrets in every wrong place of a whole run, and then a search of everything it left behind.

Rule 1: no secret reaches a log, a row, Redis, a file, an answer or a page. They are refused, and
    what refuses them does not repeat them.
Rule 2: harmless texts that belong into each of those places are looked for in the same way and
    must be found there: a search that looks in the wrong place proves nothing.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import redis
from psycopg import sql

from livermore.env import StateFiles
from tests.livermore.running import Livermore, manage

pytestmark = pytest.mark.timeout(240)

PUBLIC = "CanaryOfThePublicName"
FOUND_IN_LOGS = "canary-that-is-not-there"
FOUND_IN_POSTGRES_LOG = "canary_that_is_no_function"
HEX = "0123456789abcdef"

# Each has a run of letters and digits of its own, by which it is found however it was escaped.
PLANTED = {
    "PEM": "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIA7plaNted01qZ3vN\n-----END PRIVATE KEY-----",
    "PEM without line breaks": "-----BEGIN PRIVATE KEY-----MC4CAQAwBQplaNted02YDK2Vw-----END-----",
    "JWT": "eyJhbGciOiJub25l.eyJplaNted03MDYw.c2lnbmF0dXJl",
    "Coinbase key": "organizations/plaNted04x/apiKeys/plaNted04y",
    "UUID": "9e0a4ed0-5a1e-4c0d-8a7b-05f1ab1e0a05",
    "hex": "06f1ab1e0a06" + HEX * 3,
    "KuCoin key": "07f1ab1e0a07c2db93503aa6",
    "Binance key": "vmPUZE6mv9SD5VplaNted08NHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7J",
    "base64": "MHcCAQEEIIGdqyplaNted09l2mYR3nF1Wv5sK0/8tH+ZrQk7bUoGvYw2P9xLeo==",
    "base64url": "qZ3vN-8tLwYkplaNted10b2XbXs7uHcE4mPdA9gJf6TnKo1i_eQ0",
    "GitHub": "ghp_aplaNted11B2c3D4e5F6g7H8i9J0kLmNoP",
    "Slack": "xoxb-plaNted12-2345678901-aBcDeFgHiJkL",
    "OpenAI": "sk-plaNted13a1B2c3D4e5F6g7H8i9J0",
    "Amazon": "AKIAPLANTED14EXAMPLE",
    "Telegram": "110201515:AAHdqTplaNted15cvCH1vGWJxfSeofSAs0",
    "password in a link": "postgresql://anna:plaNted16@db.example.org/livermore",
    "Discord": "https://discord.com/api/webhooks/171717/plaNted17",
    "Slack's webhook": "https://hooks.slack.com/services/plaNted18",
    "push service": "tgram://1919191919/plaNted19",
    "line of an environment file": "COINBASE_SECRET=plaNted20",
}
NEEDLES = {
    what: next(
        run
        for run in re.findall(r"[A-Za-z0-9]{9,}|[0-9a-f-]{36}", text)
        if re.search(r"(?i)planted\d\d|f1ab1e", run) or what == "UUID"
    )
    for what, text in PLANTED.items()
}
# In rows that an older program wrote: there they stay, but they are shown to nobody.
STORED = {
    "stored in a text": "ghp_astoRed01B2c3D4e5F6g7H8i9J0k",
    "stored in a key": "stoRed02a1B2c3D4e5F6",
}
IN_ENVIRONMENT = "theValueOfTheVariable01"


@dataclass
class Trader:
    """Somebody with a browser, who keeps everything that they were ever shown."""

    http: httpx.Client
    shown: list[str] = field(default_factory=list)

    def sign_in(self, username: str, password: str) -> None:
        self.get("/admin/login/")
        form = {"username": username, "password": password, **self._token()}
        assert self.http.post("/admin/login/", data=form).status_code == 302

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self._keep(self.http.get(path, **options))

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {
            "X-CSRFToken": self.http.cookies["csrftoken"],
            "Content-Type": "application/json",
            **options.pop("headers", {}),
        }
        return self._keep(self.http.request(method, path, headers=headers, **options))

    def _token(self) -> dict[str, str]:
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.shown[-1])
        assert found
        return {"csrfmiddlewaretoken": found[1]}

    def _keep(self, response: httpx.Response) -> httpx.Response:
        self.shown.append(f"{response.headers}\n{response.text}")
        return response


def refused(response: httpx.Response) -> bool:
    """Whether a request was refused, or a preview says that it would be."""
    return response.status_code >= 400 or response.json().get("valid") is False


def plant(trader: Trader, secret: str, document: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Put a secret into every wrong place that a request has."""
    text = {"perseus_profile": {"description": secret}}
    variable = {"exchanges": {"coinbase": {"ApiKeyEnvironmentVariableName": secret}}}
    bodies: dict[str, Any] = {
        "a text": text,
        "a text within prose": {"perseus_profile": {"description": f"My key is {secret}, ok?"}},
        "the name of a variable": variable,
        "an unknown setting": {"watchlst": secret},
        "a list": {
            "watchlist": [{"symbol": secret, "exchange": "coinbase", "categories": [secret]}]
        },
        "a list of a list": {"scanner": {"exclude": [[secret]]}},
        "a number's place": {"scanner": {"top_n": secret}},
        "a key": {secret: 1},
        "a deep key": {"exchanges": {"coinbase": {"defaults": {secret: {"a": secret}}}}},
        "an exchange's name": {"exchanges": {secret: {"enabled": True}}},
        "a key above what cannot be stored": {
            secret: "a\x00b",
            "exchanges": {secret: {"a": ["\x00"]}},
        },
        "the identity": {"sub": secret},
    }
    for where, patch in bodies.items():
        yield f"PATCH {where}", trader.send("PATCH", "/api/settings", json=patch)
        yield (
            f"validate {where}",
            trader.send(
                "POST",
                "/api/settings/validate",
                json=patch,
                headers={"Content-Type": "application/merge-patch+json"},
            ),
        )
        whole = {**document, **patch}
        yield (
            f"PUT {where}",
            trader.send("PUT", "/api/settings", json=whole, headers={"If-Match": "*"}),
        )
        yield f"import {where}", trader.send("POST", "/api/settings/import", json=whole)
        if where != "the identity":  # a file's own one is not taken over
            profile = {"public_name": "x", **patch.get("perseus_profile", {})}
            yield (
                f"import into version 0 {where}",
                trader.send(
                    "POST",
                    "/api/settings/import?adopt=true&dryRun=true",
                    json={**patch, "perseus_profile": profile},
                ),
            )
    yield "a body that is no JSON", trader.send("PATCH", "/api/settings", content=secret)
    yield "half a body", trader.send("PATCH", "/api/settings", content=f'{{"a": "{secret}')
    line = secret.replace("\n", " ")
    twice = f'{{"{line}": 1, "{line}": 2}}'
    yield "a key that stands twice", trader.send("PATCH", "/api/settings", content=twice)
    yield "a list for a document", trader.send("PATCH", "/api/settings", json=[secret])
    yield (
        "the type of a body",
        trader.send("PATCH", "/api/settings", content=b"{}", headers={"Content-Type": line}),
    )
    yield (
        "a condition",
        trader.send("PATCH", "/api/settings", json={}, headers={"If-Match": line}),
    )
    for path in (secret, f"/exchanges/{secret}", f"/{secret}/a", f"/watchlist/0/{secret}"):
        params = {"path": path}
        yield "a path", trader.send("PATCH", "/api/settings", json=True, params=params)
    value = {"params": {"path": "/perseus_profile/description"}, "json": secret}
    yield "the value at a path", trader.send("PATCH", "/api/settings", **value)
    section = {"params": {"section": secret}}
    yield "a section", trader.send("POST", "/api/settings/reset", **section)
    yield "a parameter", trader.send("POST", "/api/settings/reset", params={secret: "1"})
    yield "a flag", trader.send("POST", "/api/settings/import", params={"adopt": secret}, json={})
    asked = trader.get("/api/settings/credentials", params={"name": secret})
    assert asked.json()["asked"] == [
        {"index": 0, "state": "looks like a secret", "didYouMean": []}
    ], secret


def rows(url: str) -> dict[str, str]:
    """Every table's rows as text."""
    query = sql.SQL("SELECT row_to_json(t)::text FROM {} t")
    with psycopg.connect(url) as session:
        tables = session.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
        return {
            table: str(session.execute(query.format(sql.Identifier(table))).fetchall())
            for (table,) in tables
        }


def everything_in_redis(url: str) -> str:
    """Every name and value of every logical database."""
    seen: list[str] = []
    read: dict[bytes, Callable[[redis.Redis, bytes], object]] = {
        b"string": lambda client, key: client.get(key),
        b"stream": lambda client, key: client.xrange(key),
        b"zset": lambda client, key: client.zrange(key, 0, -1),
        b"hash": lambda client, key: client.hgetall(key),
    }
    for database in range(3):
        with redis.Redis.from_url(re.sub(r"/\d+$", f"/{database}", url)) as client:
            for key in client.scan_iter():
                value: Any = read[client.type(key)](client, key)
                seen.append(f"{key!r} {value!r}")
    return "\n".join(seen)


def commands(
    state: Path, directory: Path, secret: str
) -> Iterator[subprocess.CompletedProcess[str]]:
    """The command line, given a secret in every place of a file."""
    for number, content in enumerate(
        [
            json.dumps({"perseus_profile": {"description": secret}, secret: 1}),
            json.dumps({"exportVersion": 1, "settings": {"watchlist": [secret]}, "a": secret}),
            json.dumps({secret: "a\x00b"}),
            secret,
        ]
    ):
        file = directory / f"{number}.json"
        file.write_text(content)
        yield manage(state, "import_settings", str(file), "--user", "demo", "--adopt")


@dataclass
class Remains:
    """Everything that a run left behind, by where it was found."""

    texts: dict[str, str]
    files: dict[Path, bytes]

    def holding(self, needle: str) -> list[str]:
        """Where a text is found, in whatever case."""
        found = [where for where, text in self.texts.items() if needle.lower() in text.lower()]
        in_bytes = needle.lower().encode()
        return found + [str(path) for path, raw in self.files.items() if in_bytes in raw.lower()]


def poison(url: str, username: str) -> None:
    """Store an older document with secrets, as a program before this one might have."""
    key, text = STORED["stored in a key"], STORED["stored in a text"]
    document = {
        "perseus_profile": {"public_name": "Bela", "description": text},
        "exchanges": {"coinbase": {"enabled": True, "ApiKeyEnvironmentVariableName": text}},
        key: {"a": text},
        "symbols": ["BTC-USD", text],
    }
    with psycopg.connect(url) as session:
        session.execute(
            "UPDATE settings_app_user SET settings = %s::jsonb, settings_version = 0,"
            " settings_revision = settings_revision + 1, is_paused = false WHERE username = %s",
            [json.dumps(document), username],
        )


def provoke(url: str) -> None:
    """Have PostgreSQL refuse a statement that holds a secret."""
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as session:
        for secret in PLANTED.values():
            with pytest.raises(psycopg.errors.UndefinedFunction):
                session.execute(f"SELECT {FOUND_IN_POSTGRES_LOG}(%s)", [secret])
            with pytest.raises(psycopg.errors.InvalidTextRepresentation):
                session.execute("SELECT %s::jsonb", ['{"a": ' + secret])


def speak_to_the_worker(url: str, sub: str) -> None:
    """Commands with secrets in them, as a foreign program might publish them."""
    with redis.Redis.from_url(url) as client:
        for secret in PLANTED.values():
            for command in (secret, json.dumps({"command": secret, "payload": {secret: secret}})):
                client.publish(f"livermore:commands:{sub}", command)


def pages(trader: Trader) -> None:
    """Look at every page that shows a document or who changed it."""
    listed = trader.get("/admin/settings_app/user/").text
    for number in sorted(set(re.findall(r"/admin/settings_app/user/(\d+)/change/", listed))):
        for page in ("change", "history"):
            assert trader.get(f"/admin/settings_app/user/{number}/{page}/").status_code == 200
    ours = [f"/admin/{page}/" for page in ("control", "settings", "symbols", "signals")]
    for path in ("/admin/", *ours, "/api/settings", "/api/settings/export"):
        assert trader.get(path).status_code == 200
    assert trader.get(f"/{FOUND_IN_LOGS}/").status_code == 404


@pytest.fixture
def remains(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Remains, list[str]]:
    """A whole run with secrets everywhere, after its end; and what was not refused."""
    monkeypatch.setenv("COINBASE_KEY", IN_ENVIRONMENT)
    livermore, texts = Livermore(state), {}
    livermore.start()
    try:
        files, address = StateFiles(state), f"http://127.0.0.1:{livermore.port}"
        servers = files.read_addresses()
        database, wire = servers["DATABASE_URL"], servers["REDIS_URL"]
        with httpx.Client(base_url=address, timeout=30) as http:
            trader = Trader(http)
            trader.sign_in("demo", files.demo_password.read_text().strip())
            monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "correct horse")
            made = manage(
                state, "createsuperuser", "--noinput", "--username=bela", "--email=b@c.de"
            )
            assert made.returncode == 0, made.stderr
            poison(database, "bela")
            document = trader.get("/api/settings").json()
            public = {"perseus_profile": {"public_name": PUBLIC}}
            assert trader.send("PATCH", "/api/settings", json=public).status_code == 200
            named = {
                "exchanges": {
                    "coinbase": {
                        "ApiKeyEnvironmentVariableName": "COINBASE_KEY",
                        "SecretEnvironmentVariableName": "COINBASE_SECRET",
                    }
                }
            }
            assert trader.send("PATCH", "/api/settings", json=named).status_code == 200
            accepted = [
                f"{what}: {where}"
                for what, secret in PLANTED.items()
                for where, response in plant(trader, secret, document)
                if not refused(response)
            ]
            for what, secret in PLANTED.items():
                for done in commands(state, tmp_path, secret) if what in CLI else ():
                    texts[f"command line, {what}"] = done.stdout + done.stderr
                    accepted += [] if done.returncode else [f"{what}: command line"]
            speak_to_the_worker(wire, document["sub"])
            provoke(database)
            pages(trader)
            bela = Trader(httpx.Client(base_url=address, timeout=30))
            with bela.http:
                bela.sign_in("bela", "correct horse")
                livermore.wait_for_line("runtime.hosted")
                pages(bela)
            for command in ("upgrade_settings --dry-run", "export_settings --user bela"):
                done = manage(state, *command.split())
                texts[f"manage.py {command}"] = done.stdout + done.stderr
            texts["answers and pages"] = "\n".join([*trader.shown, *bela.shown])
            texts["Redis"] = everything_in_redis(wire)
            stored = rows(database)
            texts["rows of users"] = stored.pop("settings_app_user")
            texts["LogEntry"] = stored.pop("django_admin_log")
            texts["other rows"] = str(stored)
    finally:
        livermore.stop()
    texts["logs of the processes"] = "".join(livermore.lines)
    left = [path for path in state.rglob("*") if path.is_file()]
    return Remains(texts, {path.relative_to(state): path.read_bytes() for path in left}), accepted


CLI = ("PEM", "JWT", "Binance key", "Discord", "line of an environment file")  # a second each


def test_no_secret_is_found_in_anything_that_a_run_leaves_behind(
    remains: tuple[Remains, list[str]],
) -> None:
    left, accepted = remains
    assert len(PLANTED) == len(set(NEEDLES.values())) == 20
    # The search works: what belongs there is found there.
    assert {"answers and pages", "rows of users"} <= set(left.holding(PUBLIC))
    changed = left.holding("/perseus_profile/public_name")
    assert "LogEntry" in changed
    assert any("pg_wal" in where for where in changed)
    assert "logs of the processes" in left.holding(FOUND_IN_LOGS)
    assert "postgres.log" in left.holding(FOUND_IN_POSTGRES_LOG)
    assert "redis.log" in left.holding("Ready to accept connections")
    assert "Redis" in left.holding("credentialsSet")
    assert any("appendonly" in where for where in left.holding("livermore:status"))
    # And what does not, is not.
    leaks = {what: left.holding(needle) for what, needle in NEEDLES.items()}
    assert {what: where for what, where in leaks.items() if where} == {}
    assert left.holding(IN_ENVIRONMENT) == []
    assert accepted == []
    for text in STORED.values():
        in_rows = [where for where in left.holding(text) if "servers/" not in where]
        assert in_rows == ["rows of users"]
