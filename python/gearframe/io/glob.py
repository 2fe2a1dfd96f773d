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
    if not key:
        # The server's loop ends before it looks at any star; a lone one is a case of its own.
        return pattern in (b"", b"*")
    return _compiled(pattern).fullmatch(key) is not None


def is_portable(pattern: bytes) -> bool:
    """Whether every server reads a pattern alike.

    In ``[a-z]`` the ends are compared as C's ``char``, which is signed on some machines: a range
    with an end above 127 holds other bytes there.

    Examples
    --------
    >>> is_portable(b"user:[0-5]*"), is_portable("user:[a-é]".encode())
    (True, False)
    """
    # A dash outside of brackets counts too: to refuse too much costs a SCAN and nothing else.
    return re.search(rb"-[\x80-\xff]|[\x80-\xff]-", pattern) is None


@lru_cache(maxsize=128)
def _compiled(pattern: bytes) -> re.Pattern[bytes]:
    first, *others = _between_stars(pattern)
    if not others:
        return re.compile(first, re.DOTALL)
    *middle, last = others
    # Where a piece fits first is where it may stay: atomic groups never try another place, so
    # that many stars take no more time than one.
    found = b"".join(b"(?>.*?%s)" % piece for piece in middle if piece)
    return re.compile(first + found + b".*" + last, re.DOTALL)


def _between_stars(pattern: bytes) -> list[bytes]:
    """Write what stands before, between and after the stars as regular expressions."""
    pieces = [b""]
    place = 0
    while place < len(pattern):
        c = pattern[place : place + 1]
        place += 1
        if c == b"*":
            pieces.append(b"")
        elif c == b"?":
            pieces[-1] += b"."
        elif c == b"[":
            part, place = _bracket(pattern, place)
            pieces[-1] += part
        elif c == b"\\" and place < len(pattern):
            pieces[-1] += re.escape(pattern[place : place + 1])
            place += 1
        else:
            pieces[-1] += re.escape(c)
    return pieces


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
