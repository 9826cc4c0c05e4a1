"""Which programs make up Livermore, and the addresses they are told."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

from livermore.embedded.ports import LOOPBACK
from livermore.env import Environment
from livermore.private import write_private
from livermore.supervisor.program import Program
from trading.simulator.venues.coinbase.keys import new_key


def addresses(
    environment: Environment, *, database_url: str, redis_url: str, exchange_port: int | None
) -> dict[str, str]:
    """The variables by which the processes of this stack find each other and know the same.

    Commands in another terminal read them from ``.livermore/env``: whose credentials are whose must
    not depend on where a command was typed.

    Args:
        exchange_port: Where the simulated exchange listens; None for the real one.
    """
    told = {
        "LIVERMORE_STATE": str(environment.state.directory),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "PORT": str(environment.port),
        "EXCHANGE": str(environment.exchange),
        "LIVERMORE_COINBASE_REST": environment.coinbase_rest,
        "LIVERMORE_COINBASE_WS": environment.coinbase_websocket,
    }
    if (grants := environment.credential_grants) is not None:
        entries = (f"{grantee}={','.join(granted)}" for grantee, granted in grants.items())
        told["LIVERMORE_CREDENTIALS"] = "; ".join(entries)
    if exchange_port is not None:
        told["LIVERMORE_COINBASE_REST"] = f"http://{LOOPBACK}:{exchange_port}/api/v3/brokerage"
        told["LIVERMORE_COINBASE_WS"] = f"ws://{LOOPBACK}:{exchange_port}"
    return told


def simulated_credentials(environment: Environment) -> dict[str, str]:
    """The key of the simulated accounts, in the variables that settings usually name.

    It is worth nothing elsewhere, and goes before a real one that happens to be set: that must
    never be sent to the simulated exchange.
    """
    path = environment.state.simulated_key
    if not path.exists():
        write_private(path, json.dumps(new_key().portal_file()))
    text = path.read_text(encoding="utf-8")
    return {"COINBASE_KEY": json.loads(text)["name"], "COINBASE_SECRET": text}


def simulator(environment: Environment, told: Mapping[str, str], port: int) -> Program:
    """The simulated exchange."""
    options = (
        *("--port", str(port), "--seed", str(environment.seed)),
        *("--speed", f"{environment.speed:g}"),
        *("--key", str(environment.state.simulated_key)),
    )
    return Program("exchange", (sys.executable, "-m", "trading.simulator", *options), told)


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
