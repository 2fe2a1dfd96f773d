r"""Redis' glob patterns, matched on the client.

The rules are those of ``stringmatchlen`` in Redis' ``util.c``: ``*``, ``?``, ``[abc]``,
``[^abc]``, ``[a-z]`` and ``\`` before a character that is meant literally; matched on bytes.
"""

from __future__ import annotations

import re
from functools import lru_cache

_SPECIAL = b"*?[\\"


def escape(literal: bytes) -> bytes:
    r"""Write a text so that as a pattern it matches only itself.

    Examples
    --------
    >>> escape(b"user:[1]*")
    b'user:\\[1]\\*'
    """
    return b"".join(b"\\" + bytes([c]) if c in _SPECIAL else bytes([c]) for c in literal)


def literal_prefix(pattern: bytes) -> tuple[bytes, bytes]:
    r"""Split a pattern into the text that every match begins with, and the rest.

    Examples
    --------
    >>> literal_prefix(b"user:*")
    (b'user:', b'*')
    >>> literal_prefix(rb"a\*b?c")
    (b'a*b', b'?c')
    """
    prefix = bytearray()
    place = 0
    while place < len(pattern):
        c = pattern[place]
        if c == ord("\\") and place + 1 < len(pattern):
            place += 1
            prefix.append(pattern[place])
        elif c in b"*?[":
            break
        else:
            prefix.append(c)
        place += 1
    return bytes(prefix), pattern[place:]


def matches(pattern: bytes, key: bytes) -> bool:
    """Whether a key matches a pattern, by Redis' rules.

    Examples
    --------
    >>> matches(b"user:*", b"user:7"), matches(b"user:[0-5]", b"user:7")
    (True, False)
    """
    return _compiled(pattern).fullmatch(key) is not None


@lru_cache(maxsize=128)
def _compiled(pattern: bytes) -> re.Pattern[bytes]:
    parts: list[bytes] = []
    place = 0
    while place < len(pattern):
        c = pattern[place : place + 1]
        if c == b"*":
            parts.append(b".*")
        elif c == b"?":
            parts.append(b".")
        elif c == b"[":
            part, place = _bracket(pattern, place + 1)
            parts.append(part)
            continue
        elif c == b"\\" and place + 1 < len(pattern):
            place += 1
            parts.append(re.escape(pattern[place : place + 1]))
        else:
            parts.append(re.escape(c))
        place += 1
    return re.compile(b"".join(parts), re.DOTALL)


def _bracket(pattern: bytes, place: int) -> tuple[bytes, int]:
    """Turn what follows a ``[`` into a character class; the place after its ``]``."""
    negated = pattern[place : place + 1] == b"^"
    place += negated
    members: set[int] = set()
    while place < len(pattern) and pattern[place] != ord("]"):
        if pattern[place] == ord("\\") and place + 1 < len(pattern):
            members.add(pattern[place + 1])
            place += 2
        elif place + 2 < len(pattern) and pattern[place + 1] == ord("-"):
            low, high = sorted((pattern[place], pattern[place + 2]))
            members.update(range(low, high + 1))
            place += 3
        else:
            members.add(pattern[place])
            place += 1
    chosen = set(range(256)) - members if negated else members
    if not chosen:
        return b"(?!)", place + 1
    return b"[" + b"".join(b"\\x%02x" % c for c in sorted(chosen)) + b"]", place + 1
