"""The product's web process, with two sockets more: a broadcast that does nothing else."""

from __future__ import annotations

from typing import Any

from livermore.asgi import application as of_the_product
from tests.benchmarks.site import sockets

BARE = {"/bench/broadcast/": sockets.listen, "/bench/speaker/": sockets.speak}


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Everything but the bare sockets is the product's."""
    await BARE.get(scope["path"], of_the_product)(scope, receive, send)
