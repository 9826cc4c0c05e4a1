"""Text of anybody's as Discord is to show it: letter by letter, and no longer than it allows.

Rule 1: a text that comes from outside is never markup: nothing in it formats, links, or calls
    anybody by name.
Rule 2: lengths are in UTF-16 units, as Discord's own clients count them; a text that is short
    enough by them is short enough by code points as well.
Rule 3: a text is cut between two letters, never between a letter and what escapes it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

NOTHING = "–"  # Discord refuses what is empty, or is nothing but space
_CUT = "…"
_MARKUP = frozenset("\\*_~`|<>[]()#")
# They turn a text around, join it to what follows, or are no letters at all.
_NOT_SHOWN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_FENCE = "```"


def units(text: str) -> int:
    """The length of a text in UTF-16 units."""
    return len(text) + sum(character > "\uffff" for character in text)


def clean(text: str, *, lines: bool = False) -> str:
    """What can be shown of a text, without space around it.

    Args:
        lines: Its line breaks are meant; else they become spaces.
    """
    kept = []
    for character in text:
        if character == "\n" and lines:
            kept.append(character)
        elif character.isspace():
            kept.append(" ")
        elif unicodedata.category(character) not in _NOT_SHOWN:
            kept.append(character)
    return "".join(kept).strip()


def cut(text: str, most: int) -> str:
    """A text without markup, of at most ``most`` units."""
    return _joined(iter(text), most)


def escaped(text: str, most: int, *, lines: bool = False) -> str:
    """A text as Discord shows it letter by letter, of at most ``most`` units; never empty.

    Args:
        most: At least 1.
        lines: Its line breaks are meant.
    """
    return _joined(_letters(clean(text, lines=lines)), most) or NOTHING


def table(rows: Sequence[str], most: int) -> str:
    """Rows in a code block, as many from the top as fit in ``most`` units; empty where none does.

    What is left out is said in a last row of its own.
    """
    shown = [clean(row).replace("`", "'") or NOTHING for row in rows]
    room = most - units(_block([]))
    taken: list[str] = []
    for index, row in enumerate(shown):
        left = len(shown) - index - 1
        needed = units(row) + 1 + (units(_rest(left)) + 1 if left else 0)
        if needed > room:
            break
        room -= units(row) + 1
        taken.append(row)
    if not taken:
        return ""
    if len(taken) < len(shown):
        taken.append(_rest(len(shown) - len(taken)))
    return _block(taken)


def _block(rows: Sequence[str]) -> str:
    return "\n".join((_FENCE, *rows, _FENCE))


def _rest(count: int) -> str:
    return f"… and {count} more"


def _joined(letters: Iterator[str], most: int) -> str:
    taken: list[str] = []
    size = fitting = 0
    for letter in letters:
        size += units(letter)
        if size > most:
            return "".join(taken[:fitting]).rstrip() + _CUT
        taken.append(letter)
        if size < most:
            fitting = len(taken)  # so many leave room for the sign that the rest is cut
    return "".join(taken)


def _letters(text: str) -> Iterator[str]:
    """Each letter with what makes it one and no markup."""
    at_beginning = True
    for index, character in enumerate(text):
        if character == "@":
            yield "@\u200b"  # nobody's name stands behind it any more
        elif _is_markup(character, text, index, at_beginning=at_beginning):
            yield f"\\{character}"
        else:
            yield character
        at_beginning = character == "\n" or (at_beginning and character == " ")


def _is_markup(character: str, text: str, index: int, *, at_beginning: bool) -> bool:
    if character in _MARKUP:
        return True
    if character == ":":
        return text.startswith("//", index + 1)  # of an address
    if text[index + 1 : index + 2].strip():
        return False  # a figure: behind the sign of a list there is space
    if character in "-+":
        return at_beginning
    return character in ".)" and _ends_number(text, index)


def _ends_number(text: str, index: int) -> bool:
    """Whether all that stands before it in its line is the number of a list."""
    return text[text.rfind("\n", 0, index) + 1 : index].lstrip().isdigit()
