"""The environment: what wins, what is refused, and how a running stack is found."""

from __future__ import annotations

import ast
import re
import stat
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from livermore import env
from livermore.embedded.errors import StackError
from livermore.embedded.lock import locked
from livermore.private import kept_secret, write_private
from livermore.supervisor import programs
from settings_app.credentials import is_own
from trading.exchanges.registry import EXCHANGES
from trading.simulator.venues.known import VENUES


def read(state: Path, **variables: str) -> env.Environment:
    return env.read({"LIVERMORE_STATE": str(state), **variables})


def test_without_a_stack_there_are_no_addresses_and_a_throw_away_key(tmp_path: Path) -> None:
    first, second = read(tmp_path), read(tmp_path)
    assert first.database_url is None
    assert first.redis_url is None
    assert first.secret_key != second.secret_key


def test_addresses_are_found_while_the_stack_lives(tmp_path: Path) -> None:
    kept_secret(tmp_path / "secret-key")
    write_private(tmp_path / "env", "DATABASE_URL='postgresql://u:p@h/d?a=1&b=2'\n")
    with locked(tmp_path / "lock"):
        assert read(tmp_path).database_url == "postgresql://u:p@h/d?a=1&b=2"


def test_addresses_of_a_dead_stack_are_ignored(tmp_path: Path) -> None:
    kept_secret(tmp_path / "secret-key")
    write_private(tmp_path / "env", "DATABASE_URL=postgresql://u:p@h/d\n")
    with locked(tmp_path / "lock"):
        pass
    assert read(tmp_path).database_url is None


def test_a_variable_wins_over_the_running_stack(tmp_path: Path) -> None:
    kept_secret(tmp_path / "secret-key")
    write_private(tmp_path / "env", "REDIS_URL=redis://mine/0\n")
    with locked(tmp_path / "lock"):
        assert read(tmp_path, REDIS_URL="redis://yours/0").redis_url == "redis://yours/0"
        assert read(tmp_path, REDIS_URL="").redis_url == "redis://mine/0"


def test_an_own_database_needs_an_own_secret_key(tmp_path: Path) -> None:
    with pytest.raises(env.EnvironmentInvalid, match="SECRET_KEY must be set"):
        read(tmp_path, DATABASE_URL="postgresql://u:p@h/d")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("EXCHANGE", "real"),
        ("SPEED", "0"),
        ("SPEED", "nan"),
        ("SPEED", "fast"),
        ("LIVERMORE_HTTPS", "perhaps"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_by_name(
    tmp_path: Path, variable: str, value: str
) -> None:
    with pytest.raises(env.EnvironmentInvalid, match=rf"^{variable} must be .*{value}"):
        read(tmp_path, **{variable: value})


def test_hosts_are_read_as_people_list_them(tmp_path: Path) -> None:
    text = "livermore.example.org, .example.com,[::1],10.0.0.7 ,"
    hosts = ("livermore.example.org", ".example.com", "[::1]", "10.0.0.7")
    assert read(tmp_path, LIVERMORE_HOSTS=text).hosts == hosts


@pytest.mark.parametrize("text", ["https://a.example.org", "a.example.org:8000", "a b", " , "])
def test_what_is_no_host_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(env.EnvironmentInvalid, match="LIVERMORE_HOSTS must"):
        read(tmp_path, LIVERMORE_HOSTS=text)


def test_the_second_run_in_a_directory_is_refused(tmp_path: Path) -> None:
    with (
        locked(tmp_path / "lock"),
        pytest.raises(StackError, match="already running"),
        locked(tmp_path / "lock"),
    ):
        pass


def test_a_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    assert kept_secret(file) == kept_secret(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


# ---------------------------------------------------------------------- the dead man's switch
@pytest.mark.parametrize(
    "url", ["https://hc-ping.com/5f0c8e2a", "http://127.0.0.1:3001/api/push/x?status=up"]
)
def test_a_whole_address_can_be_pinged(tmp_path: Path, url: str) -> None:
    assert read(tmp_path, LIVERMORE_DEADMAN_URL=url).deadman_url == url


def test_without_an_address_nobody_is_pinged(tmp_path: Path) -> None:
    assert read(tmp_path).deadman_url is None
    assert read(tmp_path, LIVERMORE_DEADMAN_URL="").deadman_url is None


@pytest.mark.parametrize(
    "url",
    [
        "hc-ping.com/5f0c8e2a",
        "ftp://hc-ping.com/5f0c8e2a",
        "https:///5f0c8e2a",
        "file:///5f0c8e2a",
        "https://hc-ping.com:eighty/5f0c8e2a",
        "https://[5f0c8e2a",
        "https://hc-ping.com/5f0c 8e2a",
        "https://hc-ping.com/5f0c8e2a\n",
        "5f0c8e2a",
    ],
)
def test_what_cannot_be_pinged_is_refused_without_repeating_it(tmp_path: Path, url: str) -> None:
    with pytest.raises(env.EnvironmentInvalid, match=r"^LIVERMORE_DEADMAN_URL must") as caught:
        read(tmp_path, LIVERMORE_DEADMAN_URL=url)
    assert "5f0c" not in str(caught.value)


def test_the_address_is_kept_out_of_what_is_shown_and_handed_on(tmp_path: Path) -> None:
    meant = read(tmp_path, LIVERMORE_DEADMAN_URL="https://hc-ping.com/5f0c8e2a")
    assert "5f0c8e2a" not in repr(meant)
    told = programs.addresses(
        meant, database_url="postgresql://h/d", redis_url="redis://h", exchange_ports=None
    )
    assert "5f0c8e2a" not in str(told)


# ---------------------------------------------------------------------- whose credentials
@pytest.mark.parametrize(
    ("text", "grants"),
    [
        ("anna=COINBASE_*,ANNA_*; bela=BELA_*", {"anna": 2, "bela": 1}),
        ("anna = COINBASE_KEY , COINBASE_SECRET ;", {"anna": 2}),
        ("anna@example.org=*;jürgen=J?_KEY", {"anna@example.org": 1, "jürgen": 1}),
        (
            "sub:2f7d3a52-7c1e-4f0a-9a7e-0f4a5b8c9d10=A_*",
            {"sub:2f7d3a52-7c1e-4f0a-9a7e-0f4a5b8c9d10": 1},
        ),
        ("anna=", {"anna": 0}),
        (";", {}),
    ],
)
def test_grants_are_read_by_user(tmp_path: Path, text: str, grants: dict[str, int]) -> None:
    read_grants = read(tmp_path, LIVERMORE_CREDENTIALS=text).credential_grants
    assert read_grants is not None
    assert {grantee: len(patterns) for grantee, patterns in read_grants.items()} == grants


def test_where_nothing_is_said_nothing_is_granted_to_anybody_by_name(tmp_path: Path) -> None:
    assert read(tmp_path).credential_grants is None
    assert read(tmp_path, LIVERMORE_CREDENTIALS="").credential_grants is None


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("KUCOIN_*", 1),
        ("anna=A_*; anna=A_*", 2),
        ("anna=COINBASE_*; =BELA_*", 2),
        ("anna=A_*; bela=B_*; anna=C_*", 3),
        ("anna: COINBASE_*", 1),
        ("anna=COINBASE-KEY", 1),
        ("anna=[A-Z]*", 1),
        ("anna bela=A_*", 1),
        ("id:5=A_*", 1),
        ("COINBASE_KEY=organizations/a/apiKeys/b", 1),
    ],
)
def test_grants_that_cannot_be_meant_are_refused_without_repeating_them(
    tmp_path: Path, text: str, entry: int
) -> None:
    with pytest.raises(env.EnvironmentInvalid, match=r"^LIVERMORE_CREDENTIALS must") as caught:
        read(tmp_path, LIVERMORE_CREDENTIALS=text)
    assert f"Entry {entry} " in str(caught.value)
    assert text not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtps://anna:p%40ss@mail.example.org", ("mail.example.org", 465, "anna", "p@ss", "tls")),
        ("smtp://mail.example.org:2525/", ("mail.example.org", 2525, "", "", "starttls")),
        ("smtp+plain://localhost", ("localhost", 25, "", "", "none")),
    ],
)
def test_mail_server_is_read_from_its_address(
    tmp_path: Path, url: str, server: tuple[str, int, str, str, str]
) -> None:
    mail = read(tmp_path, LIVERMORE_EMAIL_URL=url, LIVERMORE_EMAIL_FROM="a@example.org").mail
    assert mail is not None
    assert (mail.host, mail.port, mail.user, mail.password, mail.encryption) == server
    assert mail.sender == "a@example.org"
    assert not mail.password or mail.password not in repr(mail)


def test_there_need_be_no_mail_server(tmp_path: Path) -> None:
    assert read(tmp_path).mail is None
    assert read(tmp_path, LIVERMORE_EMAIL_FROM="a@example.org").mail is None


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.org",
        "http://anna:s3cret@mail.example.org",
        "smtps://anna:s3cret@",
        "smtps://anna:s3cret@mail.example.org:port",
        "smtps://anna:s3/cret@mail.example.org",
        "smtps://anna:s3 cret@mail.example.org",
        "smtps://anna:s3?cret@mail.example.org",
    ],
)
def test_mail_server_that_cannot_be_meant_is_refused_without_repeating_it(
    tmp_path: Path, url: str
) -> None:
    with pytest.raises(env.EnvironmentInvalid, match=r"^LIVERMORE_EMAIL_URL must") as caught:
        read(tmp_path, LIVERMORE_EMAIL_URL=url, LIVERMORE_EMAIL_FROM="a@example.org")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("sender", ["", "livermore", "a@b@c", "a@example.org\r\nBcc: b@c"])
def test_letters_need_a_sender(tmp_path: Path, sender: str) -> None:
    with pytest.raises(env.EnvironmentInvalid, match=r"^LIVERMORE_EMAIL_FROM must"):
        read(tmp_path, LIVERMORE_EMAIL_URL="smtps://h", LIVERMORE_EMAIL_FROM=sender)


def names_of_variables(source: Path) -> set[str]:
    """Every text in a module that can be nothing but the name of a variable."""
    texts = [
        node.value
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return {text for text in texts if re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*_?", text)}


def test_no_variable_that_the_program_reads_can_be_a_credential() -> None:
    read_here = names_of_variables(Path(env.__file__))
    assert {"DATABASE_URL", "SECRET_KEY", "PORT", "LIVERMORE_CREDENTIALS"} <= read_here
    assert [name for name in sorted(read_here) if not is_own(name)] == []


def test_nor_can_one_that_it_hands_to_the_programs_it_starts() -> None:
    told = programs.addresses(
        env.read({}),
        database_url="postgresql://h/d",
        redis_url="redis://h",
        exchange_ports={"coinbase": 1, "binance": 2},
    )
    assert [name for name in told if not is_own(name)] == []


def test_a_command_in_another_terminal_knows_whose_credentials_are_whose(tmp_path: Path) -> None:
    meant = env.read({"LIVERMORE_CREDENTIALS": "anna=COINBASE_*,ANNA_*; bela=BELA_*"})
    told = programs.addresses(
        meant, database_url="postgresql://h/d", redis_url="redis://h", exchange_ports=None
    )
    assert env.read({**told, "SECRET_KEY": "k"}).credential_grants == meant.credential_grants
    nothing = programs.addresses(
        env.read({}), database_url="postgresql://h/d", redis_url="redis://h", exchange_ports=None
    )
    assert "LIVERMORE_CREDENTIALS" not in nothing


def test_the_simulated_exchange_is_asked_with_a_key_that_is_made_once(tmp_path: Path) -> None:
    environment = read(tmp_path)
    first = programs.simulated_credentials(environment)
    key = environment.state.simulated_key("coinbase")
    assert programs.simulated_credentials(environment) == first
    assert first["COINBASE_SECRET"] == key.read_text()
    assert first["BINANCE_SECRET"] in environment.state.simulated_key("binance").read_text()
    assert first["KUCOIN_PASSPHRASE"] in environment.state.simulated_key("kucoin").read_text()
    assert first["BINANCE_KEY"] != first["BINANCE_SECRET"]
    assert first["COINBASE_KEY"].startswith("organizations/")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_no_real_exchange_is_asked_beside_the_simulated_ones(tmp_path: Path) -> None:
    ports = {name: 8_700 + number for number, name in enumerate(VENUES)}
    told = programs.addresses(
        read(tmp_path), database_url="postgresql://h/d", redis_url="redis://h", exchange_ports=ports
    )
    addresses = {name: url for name, url in told.items() if name.endswith(("_REST", "_WS"))}
    assert len(addresses) == 2 * len(EXCHANGES)
    assert all(urlsplit(url).hostname == "127.0.0.1" for url in addresses.values())
