"""Which programs make up Livermore, and the addresses they are told."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

from livermore.embedded.ports import LOOPBACK
from livermore.env import Environment
from livermore.private import write_private
from livermore.supervisor.program import Program
from trading.exchanges.registry import EXCHANGES
from trading.simulator.venues.known import VENUES

DISCARD = 9  # a port at which nobody answers


def addresses(
    environment: Environment,
    *,
    database_url: str,
    redis_url: str,
    exchange_ports: Mapping[str, int] | None,
) -> dict[str, str]:
    """The variables by which the processes of this stack find each other and know the same.

    Commands in another terminal read them from ``.livermore/env``: whose credentials are whose must
    not depend on where a command was typed.

    Args:
        exchange_ports: Where the simulated exchanges listen, by name; None for the real ones.
    """
    told = {
        "LIVERMORE_STATE": str(environment.state.directory),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "PORT": str(environment.port),
        "EXCHANGE": str(environment.exchange),
        "LIVERMORE_COINBASE_REST": environment.coinbase_rest,
        "LIVERMORE_COINBASE_WS": environment.coinbase_websocket,
        "LIVERMORE_BINANCE_REST": environment.binance_rest,
        "LIVERMORE_BINANCE_WS": environment.binance_websocket,
        "LIVERMORE_KUCOIN_REST": environment.kucoin_rest,
    }
    if (grants := environment.credential_grants) is not None:
        entries = (f"{grantee}={','.join(granted)}" for grantee, granted in grants.items())
        told["LIVERMORE_CREDENTIALS"] = "; ".join(entries)
    if exchange_ports is not None:
        for name in EXCHANGES:
            told |= _simulated_addresses(name, exchange_ports.get(name))
    return told


def _simulated_addresses(name: str, port: int | None) -> dict[str, str]:
    """Where a simulated exchange is; nowhere, if nobody plays it: the real one is not asked."""
    rest, websocket = f"http://{LOOPBACK}:{DISCARD}", f"ws://{LOOPBACK}:{DISCARD}"
    if port is not None:
        kind = VENUES[name]
        rest = f"http://{LOOPBACK}:{port}{kind.rest_path}"
        websocket = f"ws://{LOOPBACK}:{port}{kind.websocket_path}"
    return {f"LIVERMORE_{name.upper()}_REST": rest, f"LIVERMORE_{name.upper()}_WS": websocket}


def _simulated_key(environment: Environment, name: str) -> str:
    """The file of a simulated exchange's key, made if there is none; nobody's, if none plays it."""
    kind = VENUES.get(name)
    if kind is None:
        return json.dumps(dict.fromkeys(("name", "secret", "passphrase"), "SimulatedKeyOfNobody"))
    path = environment.state.simulated_key(name)
    if not path.exists():
        write_private(path, json.dumps(kind.new_key().portal_file()))
    return path.read_text(encoding="utf-8")


def simulated_credentials(environment: Environment) -> dict[str, str]:
    """The keys of the simulated accounts, in the variables that settings usually name.

    They are worth nothing elsewhere, and go before real ones that happen to be set: these must
    never be sent to a simulated exchange.
    """
    variables: dict[str, str] = {}
    for name in EXCHANGES:
        text = _simulated_key(environment, name)
        file = json.loads(text)
        variables[f"{name.upper()}_KEY"] = file["name"]
        # Coinbase's portal has no secret to copy: its whole file is one.
        variables[f"{name.upper()}_SECRET"] = file.get("secret", text)
        if passphrase := file.get("passphrase"):
            variables[f"{name.upper()}_PASSPHRASE"] = passphrase
    return variables


def simulator(environment: Environment, told: Mapping[str, str], name: str, port: int) -> Program:
    """A simulated exchange."""
    options = (
        *("--venue", name, "--port", str(port), "--seed", str(environment.seed)),
        *("--speed", f"{environment.speed:g}"),
        *("--key", str(environment.state.simulated_key(name))),
    )
    return Program(name, (sys.executable, "-m", "trading.simulator", *options), told)


def preparation(told: Mapping[str, str]) -> Program:
    """Migrations, static files, demo user: runs once and ends."""
    return Program("setup", (sys.executable, "manage.py", "prepare", "--demo"), told)


def runtime(told: Mapping[str, str]) -> Program:
    """The worker that hosts the users' runtimes."""
    return Program("runtime", (sys.executable, "manage.py", "runtime"), told)


def web(environment: Environment, told: Mapping[str, str]) -> Program:
    """The pages."""
    listen = ("-b", LOOPBACK, "-p", str(environment.port), "--no-server-name", "-v", "0")
    arguments = (sys.executable, "-m", "daphne", *listen, "livermore.asgi:application")
    return Program("web", arguments, told)
