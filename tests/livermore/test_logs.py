"""A traceback in the log tells where it happened, and nothing that was in memory there."""

from __future__ import annotations

import io
import logging
import logging.config

import pytest
import structlog

from livermore.logs import logging_config

HELD = "held-in-a-variable-where-it-failed"


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize("is_ours", [True, False])
def test_a_traceback_shows_no_variable_of_any_frame(as_json: bool, is_ours: bool) -> None:
    written = io.StringIO()
    logger = logging.getLogger("tests.livermore.test_logs")
    handler = logging.StreamHandler(written)
    formatter = logging_config(as_json=as_json)["formatters"]["line"]
    handler.setFormatter(formatter.pop("()")(**formatter))
    logger.addHandler(handler)
    try:
        fail(HELD)
    except ZeroDivisionError:
        (structlog.get_logger(logger.name) if is_ours else logger).exception("it.failed")
    finally:
        logger.removeHandler(handler)
    assert "ZeroDivisionError: integer division" in written.getvalue()
    assert "in fail" in written.getvalue()
    assert HELD not in written.getvalue()


def fail(document: str) -> int:
    return len(document) // 0
