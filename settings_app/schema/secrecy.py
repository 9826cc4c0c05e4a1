"""Recognising secrets by their shape, so that none is stored where a setting or a name belongs.

Rule 1: texts in memory in, an answer out: nothing is looked up, and no answer repeats the text.
Rule 2: a small table of shapes, not a measure of randomness alone: prose, links, paths and the
    names that people give to variables must pass, for a refused save is a broken promise too.
Rule 3: the time is linear in the text. A pattern either cannot begin inside a run that it repeats
    (a lookbehind), or repeats a hundred-odd times at most; and no repetition stands in another.

The shapes are those of the vendors' own documentation, as secret scanners know them. What has no
shape (a short passphrase) is not recognised; `settings_app.credentials` refuses it as a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from settings_app.documents import Finding, pointer
from settings_app.errors import FieldError

SHORTEST = 12  # "ftp://a:b@c" has eleven; symbols and words of the schema mostly have fewer

IN_NAME = (
    "looks like the secret itself: put that into an environment variable where the worker runs, "
    "and write the variable's name here, such as COINBASE_KEY"
)
IN_TEXT = (
    "looks like a secret, and the settings hold none: put it into an environment variable where "
    "the worker runs; if it is none, shorten it or word it differently"
)
IN_KEY = (
    "has a key that looks like a secret, and the settings hold none: remove it; secrets belong "
    "into environment variables where the worker runs"
)
SENTENCES: Final = frozenset({IN_NAME, IN_TEXT, IN_KEY})
IN_PATH = "the path looks like a secret: it must be a JSON Pointer such as /scanner/top_n"

# Every shape below has one of these: nearly all texts are told by this alone.
_GATE: Final = re.compile(r"[0-9:=]|-----|PRIVATE KEY|/apiKeys/")

SHAPES: Final = {
    what: re.compile(pattern)
    for what, pattern in {
        # With or without its line breaks and dashes.
        "private key (PEM)": r"-----BEGIN|\bBEGIN [A-Z0-9 ]{0,40}PRIVATE KEY",
        # Base64url of '{"', a dot, the claims.
        "JSON Web Token": r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8}",
        "Coinbase's name of a key": r"(?<![a-z])organizations/[^/\s]{1,100}/apiKeys/",
        # KuCoin's secrets, and many vendors' ids of keys.
        "UUID": r"(?i)(?<![0-9a-z])[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?![0-9a-z])",
        # Letters and digits mixed: KuCoin's keys have 24, private keys 64.
        "hexadecimal": (
            r"(?<![0-9A-Za-z])(?:0x)?(?=[0-9]{0,60}[A-Fa-f])(?=[A-Fa-f]{0,60}[0-9])"
            r"(?:[0-9a-f]{24,}|[0-9A-F]{24,})(?![0-9A-Za-z])"
        ),
        # GitHub, GitLab, Slack, npm, Shopify, Hugging Face, Stripe
        "token that begins with its kind": (
            r"(?<![A-Za-z0-9])(?:gh[opsur]_|github_pat_|glpat-|xox[a-z]-|xapp-|npm_|shp[a-z]{2}_"
            r"|hf_|[rs]k_live_|[rs]k_test_)[A-Za-z0-9_-]{16}"
        ),
        # OpenAI, Google, SendGrid
        "key that begins with its kind": (
            r"(?<![A-Za-z0-9])(?:sk-[A-Za-z0-9]{20}|AIza[A-Za-z0-9_-]{30}|SG\.[A-Za-z0-9_-]{16})"
        ),
        "Amazon's id of a key": r"(?<![A-Za-z0-9])A[KS]IA[A-Z0-9]{16}(?![A-Za-z0-9])",
        "Telegram bot": r"(?<![0-9])[0-9]{6,12}:[A-Za-z0-9_-]{30}",
        "Discord bot": r"\b[MNO][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27}",
        # Digits up to a slash are a port.
        "link with a password": (
            r"://[^\s/@:]{0,100}:(?![0-9]{1,5}(?:[/?#]|$))[^\s@]{1,100}@|://[A-Za-z0-9_-]{16,100}@"
        ),
        "link with a key": (
            r"(?i)[?&](?:access_|auth_|api_?|secret_?)?"
            r"(?:key|token|secret|sig|signature|passw(?:or)?d)=[^\s&]{8}"
        ),
        # Whoever has the address may post.
        "webhook of a known service": (
            r"(?i)\bdiscord(?:app)?\.com/api/(?:v[0-9]{1,2}/)?webhooks/|\bhooks\.slack\.com/"
            r"|\bapi\.telegram\.org/bot|\.webhook\.office\.com/|\bmaker\.ifttt\.com/trigger/"
        ),
        "webhook": r"(?i)https?://[^\s]{1,200}/(?:web)?hooks?/[^\s]{8}",
        # As the notification libraries write them: discord://id/token
        "address of a push service": (
            r"(?i)(?<![a-z])(?:discord|fcm|gotifys?|jsons?|lametric|mailtos?|matrixs?|mmosts?"
            r"|msteams|ntfys?|pbul|pover|pushed|rockets?|sendgrid|ses|signals?|slack|sns|spush"
            r"|teams|tgram|twilio|whatsapp|xmls?|zulip)://[^\s]{6}"
        ),
        "line of an environment file": (
            r"(?i)(?:secret|passw(?:or)?d|passphrase|token|api_?key)[a-z0-9_]{0,40}=[^\s=]{6}"
        ),
    }.items()
}

# What remains are random characters. Base64 is mostly runs of letters and digits, cut here and
# there by one of its own marks; a path or a slug is words, cut by the same marks.
_ENCODED: Final = re.compile(r"[A-Za-z0-9+/_=-]{24,}")
_ALPHANUMERIC: Final = re.compile(r"[A-Za-z0-9]{16,}")
_PIECES: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")  # the words of a name: Api Key 2
_LONG_RUN = 24  # shorter runs count within something long: base64 with its marks
_LONG_CODE = 32
# Letters and digits in a word-like piece. Random ones of both cases have 2.2 (1 in 60 more than
# 2.9), of one case 2.5 (1 in 20 more than 4); words have 4 and more.
_MIXED_MOST = 2.9
_ONE_CASE_MOST = 4.0
_DIGIT_BEFORE_LETTER: Final = re.compile(r"[0-9][A-Za-z]")  # no year or number at a name's end

# Settings whose value is a name, or would be: stricter, for no name is a jumble.
_NAMING: Final = re.compile(r"(?i)variable|secret|passw|passphrase|token|key|webhook")


def looks_secret(text: str, *, is_name: bool = False) -> bool:
    """Whether a text has the shape of a secret.

    Args:
        is_name: It stands where the name of a variable or a key belongs: there sixteen letters
            and digits in one run are too many, unless the digits end it.
    """
    if len(text) < SHORTEST or not _GATE.search(text):
        return False
    if is_name and any(map(_DIGIT_BEFORE_LETTER.search, _ALPHANUMERIC.findall(text))):
        return True
    return any(shape.search(text) for shape in SHAPES.values()) or _holds_code(text)


def disguised_secrets(document: Any) -> list[FieldError]:
    """What :func:`find_secrets` finds, all of it and with its exact places: for a program."""
    return [FieldError(pointer(*place), message) for place, message in find_secrets(document)]


def find_secrets(document: Any) -> Iterator[Finding]:
    """Every text and every key of a raw document that looks like a secret, in document order.

    A secret in a key is told of the object around it, and nothing below that key is looked at, so
    that no pointer holds it. The document's own ``/sub`` is an identity and may look as it likes.

    Args:
        document: What PostgreSQL could store (`documents.unstorable`): its nesting has an end.
    """
    searched = document
    if isinstance(document, dict) and isinstance(document.get("sub"), str):
        searched = {**document, "sub": None}
    # Nearly every document is innocent, and telling that takes a tenth of telling where.
    if not any(looks_secret(text, is_name=True) for text in _long_texts(searched)):
        return iter(())
    return _disguised(searched, (), is_name=False)


def _holds_code(text: str) -> bool:
    return any(
        len(run) >= (_LONG_RUN if len(code) < _LONG_CODE else 0) and _is_jumbled(run)
        for code in _ENCODED.findall(text)
        for run in _ALPHANUMERIC.findall(code)
    )


def _is_jumbled(run: str) -> bool:
    """Whether letters and digits follow each other as they do in no word and no name."""
    if not _DIGIT_BEFORE_LETTER.search(run):
        return False
    has_one_case = run.islower() or run.isupper()
    if has_one_case and len(run) < _LONG_CODE:
        return False
    most = _ONE_CASE_MOST if has_one_case else _MIXED_MOST
    return len(run) <= most * len(_PIECES.findall(run))


def _long_texts(document: Any) -> list[str]:
    """Every text and every key that is long enough for a secret, once and in no order."""
    texts: set[str] = set()
    members: list[Any] = [document]
    while members:
        below: list[Any] = []
        for member in members:
            if isinstance(member, str):
                texts.add(member)
            elif isinstance(member, dict):
                texts.update(member)
                below += member.values()
            elif isinstance(member, list | tuple):
                below += member
        members = below
    return [text for text in texts if len(text) >= SHORTEST]


def _disguised(value: Any, place: tuple[str | int, ...], *, is_name: bool) -> Iterator[Finding]:
    if isinstance(value, str):
        if looks_secret(value, is_name=is_name):
            yield place, IN_NAME if is_name else IN_TEXT
    elif isinstance(value, dict):
        for key, member in value.items():
            if looks_secret(key, is_name=True):
                yield place, IN_KEY
            else:
                named = bool(_NAMING.search(key))
                yield from _disguised(member, (*place, key), is_name=named)
    elif isinstance(value, list | tuple):
        for index, member in enumerate(value):
            yield from _disguised(member, (*place, index), is_name=is_name)
