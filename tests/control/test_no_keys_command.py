"""Nothing here ever asks Redis for all its names at once: KEYS stalls everybody on the server."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("control", "livermore", "settings_app", "trading")
SOURCES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def asks_for_all_names(source: str) -> Iterator[int]:
    """Lines that send KEYS; the ``keys()`` of a mapping takes no argument."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        words = [one.value for one in node.args if isinstance(one, ast.Constant)]
        as_text = any(isinstance(one, str) and one.upper().split()[:1] == ["KEYS"] for one in words)
        if (name == "keys" and (node.args or node.keywords)) or as_text:
            yield node.lineno


@pytest.mark.parametrize(
    "line",
    [
        'client.keys("livermore:*")',
        "client.keys(pattern=name)",
        'client.execute_command("KEYS", "*")',
        'client.execute_command("keys *")',
    ],
)
def test_whoever_would_send_it_is_found(line: str) -> None:
    assert list(asks_for_all_names(line)) == [1]
    assert list(asks_for_all_names("mapping.keys()")) == []


def test_nobody_sends_it() -> None:
    assert len(SOURCES) > 100
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in SOURCES
        for line in asks_for_all_names(path.read_text("utf-8"))
    ]
    assert found == []
