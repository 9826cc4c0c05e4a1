"""Notices for the tests of whoever shows or sends them."""

from __future__ import annotations

import string
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import strategies as st

from trading.alerts.ports import Digest, Notice
from trading.core.market import Timeframe

AT = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
NOTICE = Notice(
    alert_id=7,
    title="BTC-USD 1h on coinbase: level through +150",
    summary="MACD-V went from +143.2 to +152.7: through +150.",
    tone="up",
    facts=[("Symbol", "BTC-USD"), ("Exchange", "coinbase"), ("Price", "66,312.4")],
    momentum={timeframe.value: 10.0 * index for index, timeframe in enumerate(Timeframe)},
    bias="bullish",
    at=AT,
    at_local="28.11.2026 13:00:00 Europe/Berlin",
)

_letters = st.one_of(
    st.characters(exclude_categories=()),  # lone surrogates and all
    st.sampled_from(string.punctuation + "\n \t0123456789"),
    st.sampled_from("😀\u202e\u200b\u00a0"),
)
words = st.one_of(
    st.text(_letters, max_size=60),
    st.builds(
        lambda text, times: text * times,
        st.sampled_from(
            ("@everyone ", "<@&1>", "```", "**", "[a](b)", "😀", "https://x ", "\n- ", "\\", "x")
        ),
        st.integers(1, 2_500),
    ),
)
numbers = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False))
notices = st.builds(
    Notice,
    alert_id=st.integers(1),
    title=words,
    summary=words,
    tone=st.sampled_from(("up", "down", "trouble", "recovered", "?")),
    facts=st.lists(st.tuples(words, words), max_size=40),
    momentum=st.dictionaries(st.sampled_from([t.value for t in Timeframe]), numbers),
    bias=st.one_of(st.just(""), words),
    at=st.datetimes(timezones=st.just(UTC)),
    at_local=words,
    chart=st.one_of(st.none(), st.binary(min_size=1, max_size=20)),
)


def digest(count: int) -> Digest:
    """So many notices in one message."""
    return Digest(
        title=f"{count} alerts within 5 min",
        notices=[replace(NOTICE, alert_id=index) for index in range(count)],
    )
