"""What clients are answered: errors as one line, maps as the flat lists that RedisGears made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from gearframe.shard.control.hosting import Tree

OK: Final = ("simple", "OK")

LONGEST_ERROR: Final = 65_536
"""An error is for reading; a client should not get a gigabyte of it."""


class Later:
    """Says that a command is answered at another time; see `LATER`."""


LATER: Final = Later()


def error(text: str) -> Tree:
    r"""Make an error reply.

    Parameters
    ----------
    text : str
        What went wrong. An error is one line on the wire, so line ends become spaces, as the
        server itself does it. Where it has no code in capitals it gets ``ERR``: redis-py and
        others take that away again, and some clients need a code.

    Returns
    -------
    tuple

    Examples
    --------
    >>> error("execution plan does not exist")
    ('error', 'ERR execution plan does not exist')
    >>> error("READONLY first line\nsecond")
    ('error', 'READONLY first line second')
    """
    line = re.sub(r"[\r\n]+", " ", text[:LONGEST_ERROR]).replace("\0", " ").strip()
    if not re.match(r"[A-Z]{2,}[A-Z0-9]* ", line):
        line = f"ERR {line}"
    return ("error", line)


def flat(fields: Mapping[str, Tree]) -> list[Tree]:
    """Make the list name, value, name, value, as RedisGears answers in RESP2 and RESP3 alike.

    Examples
    --------
    >>> flat({"status": "done", "registered": 0})
    ['status', 'done', 'registered', 0]
    """
    return [each for pair in fields.items() for each in pair]


def size_of(tree: Tree) -> int:
    """Estimate how much memory a tree of results holds, in bytes.

    Examples
    --------
    >>> size_of(["abc", b"de", [1, None]])
    317
    """
    size = 0
    pending: list[Any] = [tree]
    while pending:
        each = pending.pop()
        if isinstance(each, str | bytes | bytearray):
            size += len(each) + 48
        elif isinstance(each, dict):
            size += 64
            pending += [*each.keys(), *each.values()]
        elif isinstance(each, list | tuple | set | frozenset):
            size += 56 + 8 * len(each)
            pending += each
        else:
            size += 32
    return size
