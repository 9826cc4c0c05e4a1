"""The lines of a file, however it is packed."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest

from trading.replay.errors import Unreadable
from trading.replay.lines import Line, opened


def lines_of(path: Path) -> list[Line]:
    with opened(str(path)) as lines:
        return list(lines)


def test_lines_are_numbered_from_one(tmp_path: Path) -> None:
    (path := tmp_path / "some.csv").write_bytes(b"\xef\xbb\xbfa\r\n\nb")

    assert [(line.number, line.text()) for line in lines_of(path)] == [(1, "a"), (2, ""), (3, "b")]


def test_a_compressed_file_is_known_by_its_content(tmp_path: Path) -> None:
    (path := tmp_path / "some.csv").write_bytes(gzip.compress(b"a\nb\n"))

    assert [line.text() for line in lines_of(path)] == ["a", "b"]


def test_a_compressed_file_that_breaks_off_says_so_behind_its_last_line(tmp_path: Path) -> None:
    noise = "".join(f"{random.Random(i).random()}\n" for i in range(5_000))
    (path := tmp_path / "some.gz").write_bytes(gzip.compress(noise.encode())[:20_000])

    lines = lines_of(path)

    assert 100 < len(lines) < 5_000
    assert noise.startswith("".join(f"{line.text()}\n" for line in lines[:-2]))
    with pytest.raises(Unreadable, match="broken from here on"):
        lines[-1].text()


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(Unreadable, match="UTF-8"):
        Line(1, b"\xff\xfe").text()
