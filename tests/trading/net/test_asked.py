"""What is not answered is named, and asked for again a few times, with longer and longer pauses."""

from __future__ import annotations

from trading.net.asked import ACK_SECONDS, MOST_REPEATS, Asked

NOBODY: frozenset[str] = frozenset()


def asked(*symbols: str) -> Asked:
    """These, at the moment 0."""
    questions = Asked()
    questions.take(symbols, 0.0)
    return questions


def test_what_is_not_acknowledged_in_time_is_named_and_stays_so() -> None:
    questions = asked("BTC-USD", "ETH-USD")
    assert questions.unconfirmed(NOBODY, ACK_SECONDS, ACK_SECONDS) == NOBODY
    late = ACK_SECONDS + 0.1
    assert questions.unconfirmed(frozenset({"BTC-USD"}), late, ACK_SECONDS) == {"ETH-USD"}
    assert questions.due(frozenset({"BTC-USD"}), late) == {"ETH-USD"}
    questions.take(["BTC-USD", "ETH-USD"], late)
    assert questions.unconfirmed(frozenset({"BTC-USD"}), late, ACK_SECONDS) == {"ETH-USD"}


def test_it_is_asked_again_with_longer_and_longer_pauses_and_not_for_ever() -> None:
    questions = asked("BTC-USD")
    at = [second for second in range(1_000) if questions.due(NOBODY, float(second))]
    assert at == [10, 30, 70]
    assert len(at) == MOST_REPEATS


def test_what_is_acknowledged_is_not_asked_again() -> None:
    questions = asked("BTC-USD")
    assert questions.due(frozenset({"BTC-USD"}), 100.0) == NOBODY
    assert questions.due(NOBODY, 100.0) == {"BTC-USD"}, "its acknowledgement was taken back"


def test_what_is_wanted_no_more_is_not_asked_again() -> None:
    questions = asked("BTC-USD", "ETH-USD")
    questions.take(["ETH-USD"], 5.0)
    assert questions.due(NOBODY, 100.0) == {"ETH-USD"}


def test_what_somebody_asks_anew_has_its_time_again() -> None:
    questions = asked("BTC-USD")
    questions.forget(["BTC-USD"])
    questions.take(["BTC-USD"], 9.0)
    assert questions.unconfirmed(NOBODY, 15.0, ACK_SECONDS) == NOBODY
    assert questions.due(NOBODY, 15.0) == NOBODY
    assert questions.due(NOBODY, 19.0) == {"BTC-USD"}
