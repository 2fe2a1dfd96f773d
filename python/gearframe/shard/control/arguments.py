"""Reading the arguments of a command; every one of them may be junk."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gearframe.exceptions import OptionError

LONGEST_ID = 256


@dataclass(frozen=True)
class Call:
    """A command as a client sent it."""

    token: int
    name: str
    arguments: list[bytes]
    client: dict[str, Any]


def shown(argument: bytes) -> str:
    r"""Show an argument in a message, cut to what is readable.

    Examples
    --------
    >>> shown(b"UPGRAD"), shown(b"a\xff\n"), len(shown(b"x" * 1000))
    ('UPGRAD', 'a\\xff\\x0a', 103)
    """
    cut = argument[:100].decode("utf-8", "backslashreplace")
    clean = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in cut)
    return clean + ("..." if len(argument) > 100 else "")


def text(argument: bytes, what: str, longest: int | None = None) -> str:
    """Decode an argument that must be text.

    Raises
    ------
    OptionError
        It is no UTF-8, or longer than `longest` bytes.
    """
    if longest is not None and len(argument) > longest:
        raise OptionError(f"{what} has {len(argument)} bytes, more than {longest} are not taken")
    try:
        return argument.decode("utf-8")
    except UnicodeDecodeError as error:
        at = argument[error.start : error.start + 1]
        raise OptionError(
            f"{what} is not UTF-8 text: byte {at.hex()} at position {error.start}; send it in UTF-8"
        ) from error


def key(argument: bytes) -> str:
    """Give an id that is only looked up: what is no UTF-8 becomes one that nothing has."""
    return argument[: LONGEST_ID + 1].decode("utf-8", "replace")


def session_id(argument: bytes) -> str:
    """Check the id that a client chose for a session."""
    if len(argument) > LONGEST_ID:
        raise OptionError(f"ID has {len(argument)} bytes, more than {LONGEST_ID} are not taken")
    if not re.fullmatch(rb"[A-Za-z0-9_-]+", argument):
        raise OptionError(f"ID must be compose of: [A-Za-z0-9_-], not {shown(argument)!r}")
    return argument.decode("ascii")


def word(argument: bytes) -> str:
    """Give an option's name in capitals; options are read case-insensitively."""
    return argument[:64].decode("ascii", "replace").upper()


class Words:
    """Options and their values, read from left to right."""

    def __init__(self, arguments: Sequence[bytes]) -> None:
        self._arguments = list(arguments)
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._arguments)

    def next(self) -> bytes:
        """Take the next argument."""
        self._at += 1
        return self._arguments[self._at - 1]

    def value(self, option: str) -> bytes:
        """Take the value of an option, or say that it is missing."""
        if not self:
            raise OptionError(f"{option} is missing")
        return self.next()

    def rest(self) -> list[bytes]:
        """Take all that is left."""
        taken, self._at = self._arguments[self._at :], len(self._arguments)
        return taken
