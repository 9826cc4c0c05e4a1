"""Scans as JSON.

Rule 1: these models make the answers and describe them.
Rule 2: a figure that the exchange does not tell is left out.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from pydantic import Field

from control.models import ScanRun
from control.symbols.scanning import Approval
from settings_app.api.answers import Answer
from trading.scanner import Criteria, Verdict

_VERDICTS = ", ".join(f"`{verdict}`" for verdict in Verdict)


class CriteriaAnswer(Answer):
    """What the settings want to be proposed."""

    exchange: str
    quote: str = Field(description="Only markets priced in this.")
    top_n: int = Field(description="How many at most.")
    min_volume_24h_quote: float = Field(
        alias="minVolume24hQuote", description="Of which at least so much was traded in 24 hours."
    )
    exclude: list[str] = Field(description="Never proposed.")

    @classmethod
    def of(cls, criteria: Criteria) -> Self:
        """Criteria, told."""
        return cls(
            exchange=criteria.exchange,
            quote=criteria.quote,
            top_n=criteria.top_n,
            min_volume_24h_quote=criteria.min_volume_24h_quote,
            exclude=sorted(criteria.exclude),
        )


class ScanRowAnswer(Answer):
    """What is proposed for one market."""

    symbol: str
    verdict: str = Field(description=f"One of {_VERDICTS}.")
    rank: int | None = Field(None, description="Its place by volume; left out where it has none.")
    reason: str | None = Field(None, description="Why it goes, or is left out.")
    price: float | None = None
    change_24h: float | None = Field(None, alias="change24h", description="In percent.")
    quote_volume_24h: float | None = Field(
        None, alias="quoteVolume24h", description="In quote currency."
    )

    @classmethod
    def of(cls, kept: dict[str, Any]) -> Self:
        """A row as it is kept, told."""
        return cls.model_validate({**kept, "reason": kept["reason"] or None})


class ScanAnswer(Answer):
    """One run of the scanner."""

    id: int = Field(description="By which it is approved.")
    at: datetime
    cause: str = Field(description="`asked` or `daily`.")
    asked_by: str | None = None
    exchange: str
    state: str = Field(description="`previewed`, `approved` or `failed`.")
    reason: str | None = Field(None, description="Why it failed.")
    note: str | None = Field(None, description="That the figures are old, and why.")
    seen: int = Field(description="How many markets the exchange lists.")
    rows: list[ScanRowAnswer] = Field(description="The best by their rank, then what would go.")
    left_out: list[ScanRowAnswer] = Field(description="The first of those that are left out.")
    left_out_count: int
    approved: list[str] = Field(description="What the modes of the scanner watch by it.")
    approved_at: datetime | None = None
    approved_by: str | None = None

    @classmethod
    def of(cls, run: ScanRun) -> Self:
        """A run, told."""
        return cls(
            id=run.pk,
            at=run.at,
            cause=run.cause,
            asked_by=run.asked_by or None,
            exchange=run.exchange,
            state=run.state,
            reason=run.reason or None,
            note=run.note or None,
            seen=run.seen,
            rows=[ScanRowAnswer.of(row) for row in run.rows],
            left_out=[ScanRowAnswer.of(row) for row in run.left_out],
            left_out_count=run.left_out_count,
            approved=[one["symbol"] for one in run.approved],
            approved_at=run.approved_at,
            approved_by=run.approved_by or None,
        )


class ScannerAnswer(Answer):
    """The scanner of a user."""

    enabled: bool = Field(description="Whether a scan is made every day.")
    criteria: CriteriaAnswer
    next_at: datetime | None = Field(
        None, description="When the next daily scan is due; left out in a pause, which has none."
    )
    last: ScanAnswer | None = None
    last_approved: ScanAnswer | None = None


class ApprovalAnswer(Answer):
    """What became of an approved selection."""

    run: int
    added: list[str]
    removed: list[str]
    already: list[str] = Field(description="As wanted already when it came to it.")
    watched: list[str] = Field(description="What the modes of the scanner watch now.")
    revision: int = Field(description="Of the settings now.")
    applied: bool = Field(description="Whether the runtime says that it is in effect.")
    message: str = Field(description="What became of it, in words.")
    command_id: str | None = Field(None, description="Of the reload, by which its answer is read.")

    @classmethod
    def of(cls, done: Approval) -> Self:
        """An approval, told."""
        answer = done.edited.answer
        return cls(
            run=done.run.pk,
            added=list(done.added),
            removed=list(done.removed),
            already=list(done.already),
            watched=list(done.watched),
            revision=done.edited.revision,
            applied=done.applied,
            message=done.message,
            command_id=None if answer is None else answer.command_id,
        )
