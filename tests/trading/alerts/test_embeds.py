"""Embeds, held against what Discord takes."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.trading.alerts.said import AT, NOTICE, digest, notices, words
from tests.trading.alerts.test_markdown import MARKUP
from trading.alerts import embeds
from trading.alerts.ports import Digest, Notice
from trading.simulator.discord.limits import refusal


def test_embed_says_all_that_a_notice_says() -> None:
    (embed,) = embeds.embeds_of([NOTICE])
    assert embed["title"] == NOTICE.title
    assert embed["description"] == NOTICE.summary
    assert embed["footer"]["text"] == "2026-11-28 12:00:00 UTC · 28.11.2026 13:00:00 Europe/Berlin"
    by_name = {field["name"]: field["value"] for field in embed["fields"]}
    assert by_name["Price"] == "66,312.4"
    assert by_name["Bias"] == "bullish"
    assert by_name["MACD-V"].splitlines()[1:-1] == [
        "1m      +0.0",
        "5m     +10.0  ▲",
        "15m    +20.0  ▲",
        "1h     +30.0  ▲",
        "4h     +40.0  ▲",
        "1d     +50.0  ▲",
    ]


def test_fields_are_left_out_whole_and_from_the_end() -> None:
    facts = [(f"Fact {index}", "x" * 900) for index in range(10)]
    (embed,) = embeds.embeds_of([replace(NOTICE, facts=facts)])
    names = [field["name"] for field in embed["fields"]]
    assert names == [*(f"Fact {index}" for index in range(6)), "Bias", "MACD-V"]
    assert all(len(field["value"]) == 900 for field in embed["fields"][:-2])


def test_short_embeds_leave_their_room_to_a_long_one() -> None:
    long = replace(NOTICE, summary="x" * 2_000)
    made = embeds.embeds_of([NOTICE, long, *[NOTICE] * 8])
    assert [embed["fields"] for embed in made] == [made[0]["fields"]] * 10
    assert len(made[1]["description"]) > 1_000
    assert sum(map(embeds.size, made)) <= embeds.IN_ALL


def test_ten_usual_notices_fit_into_one_message_uncut() -> None:
    made = embeds.embeds_of([NOTICE] * 10)
    assert made == embeds.embeds_of([NOTICE]) * 10


@given(st.lists(notices, min_size=1, max_size=12))
def test_no_notice_breaks_a_limit_or_is_markup(said: list[Notice]) -> None:
    made = embeds.embeds_of(said)
    assert len(made) == min(len(said), embeds.EMBEDS)
    assert refusal({"embeds": made}) is None
    for embed in made:
        texts = [embed["title"], embed["description"]]
        texts += [field["name"] for field in embed["fields"]]
        texts += [f["value"] for f in embed["fields"] if not f["value"].startswith("```")]
        assert not any(MARKUP.search(text) for text in texts)
        json_safe = repr(embed).encode()  # raises for a lone surrogate
        assert json_safe


@given(words, st.lists(notices, min_size=1, max_size=5), st.integers(1, 60))
def test_no_digest_breaks_a_limit(title: str, said: list[Notice], times: int) -> None:
    made = embeds.embed_of_digest(Digest(title=title, notices=said * times))
    assert refusal({"embeds": [made]}) is None


def test_digest_is_a_table_that_counts_what_it_leaves_out() -> None:
    rows = embeds.embed_of_digest(digest(200))["description"].splitlines()
    assert rows[1] == "UTC"
    assert rows[2] == f"{AT:%H:%M}  ▲  BTC-USD 1h on coinbase: level through +150"
    assert rows[-2] == f"… and {200 - (len(rows) - 4)} more"


def test_time_is_told_once_to_who_lives_by_utc() -> None:
    utc = f"{AT:%Y-%m-%d %H:%M:%S} UTC"
    [embed] = embeds.embeds_of([replace(NOTICE, at_local=utc)])
    assert embed["footer"]["text"] == utc
