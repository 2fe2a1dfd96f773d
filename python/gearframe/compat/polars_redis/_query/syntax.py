"""How names, tags, words and numbers are written in a RediSearch query (DIALECT 2).

What is a separator of words was read off RediSearch 2.10: it is the same when it indexes. A
backslash takes the meaning of the character behind it away.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any

from gearframe.exceptions import OptionError

SEPARATORS = " \t!\"#$%&'()*+,-./:;<=>?@[]^`{|}~"
SEPARATOR_CLASS = "[" + re.escape(SEPARATORS) + r"\n\v\f\r]"

# The lexer of queries skips these, escaped or not, so they cannot be asked for.
_UNSENDABLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_SPECIAL = re.compile(r"(?![a-zA-Z0-9_])[\x00-\x7f]")
_EXACT_INTEGERS = 2**53


def is_sendable(text: str) -> bool:
    """Tell whether a text can be asked for at all."""
    return _UNSENDABLE.search(text) is None


def field(name: str) -> str:
    """Write the name of a field, without the @."""
    return _escaped(name)


def tag(text: str) -> str:
    """Write one tag, as it stands between braces; the server strips spaces around tags."""
    stripped = text.strip(" \t\n\v\f\r")
    return _escaped(stripped) if stripped else '""'


def words(text: str) -> list[str]:
    """Split a text into words as the server does when it indexes one.

    It drops control characters, line breaks among them, so that the words around them become
    one; and a backslash, unless it makes the separator behind it a part of the word.
    """
    found: list[str] = [""]
    escaped = False
    for character in text:
        if escaped and character in (SEPARATORS + "\\"):
            found[-1] += character
            escaped = False
            continue
        escaped = character == "\\"
        if character in SEPARATORS:
            found.append("")
        elif not escaped and (character >= " " and character != "\x7f"):
            found[-1] += character
    return [word for word in found if word]


def plain_words(text: str) -> list[str]:
    """Split a text into words at punctuation and all white space."""
    return [word for word in re.split(SEPARATOR_CLASS + "+", text) if word]


def word(text: str) -> str:
    """Write one word."""
    if "\t" in text or "\\" in text:
        # RediSearch 2.10 indexes such words in ways that its own queries cannot name.
        raise OptionError(
            f"RediSearch cannot be asked for the word {text!r}, which has a tab or a backslash in "
            "it; use icontains(), which Polars answers"
        )
    return _escaped(text)


def wildcard(pattern: str) -> str:
    """Write a pattern in which ? and * stand for one and for any characters."""
    escaped = pattern.replace("\\", "\\\\").replace("'", "\\'")
    return f"w'{escaped}'"


def is_number(value: object) -> bool:
    """Tell whether the index compares this value as exactly as Python does."""
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return abs(value) < _EXACT_INTEGERS
    return isinstance(value, float | Decimal)


def number(value: Any) -> str:
    """Write a number."""
    if math.isnan(value):
        raise OptionError("NaN is neither less nor more than any number; use is_null()")
    if math.isinf(value):
        return "+inf" if value > 0 else "-inf"
    return str(value) if isinstance(value, int) else repr(float(value))


def _escaped(text: str) -> str:
    # An underscore is a letter, but the lexer knows no word of underscores alone.
    if not text.strip("_"):
        return text.replace("_", "\\_")
    return _SPECIAL.sub(r"\\\g<0>", text)
