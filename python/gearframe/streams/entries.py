"""Entries of a stream as the server sends them, and their ids."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from redis import ResponseError

from gearframe.exceptions import OptionError, ProtocolError
from gearframe.streams.steps import Steps

_ID = re.compile(r"(\d{1,20})(?:-(\d{1,20}))?")
MOST = 2**64 - 1


class EntryId(NamedTuple):
    """The two numbers of an id, which order the entries."""

    milliseconds: int
    sequence: int

    def __str__(self) -> str:
        return f"{self.milliseconds}-{self.sequence}"

    def before(self) -> EntryId:
        """Give the id just before this one; of the first, itself."""
        if self.sequence:
            return EntryId(self.milliseconds, self.sequence - 1)
        if self.milliseconds:
            return EntryId(self.milliseconds - 1, MOST)
        return self


class Entry(NamedTuple):
    """An entry: its id, and names and values in turn; None if only its id is left."""

    id: bytes
    pairs: list[bytes] | None


def parse_id(text: str | bytes) -> EntryId | None:
    """Read ``1526919030474-55`` or ``1526919030474``; None for anything else."""
    shown = text.decode("ascii", "replace") if isinstance(text, bytes) else text
    matched = _ID.fullmatch(shown)
    if matched is None:
        return None
    found = EntryId(int(matched[1]), int(matched[2] or 0))
    return found if max(found) <= MOST else None


def id_of(entry: Entry) -> EntryId:
    """Read the id of an entry."""
    found = parse_id(entry.id)
    if found is None:
        raise ProtocolError(f"{entry.id!r} is no id of an entry")
    return found


def expect_id(name: str, text: object, *words: str) -> str:
    """Refuse what is neither an id nor one of the words."""
    if isinstance(text, bytes):
        text = text.decode("ascii", "replace")
    if isinstance(text, str) and (text in words or parse_id(text.removeprefix("("))):
        return text
    known = ", ".join(repr(word) for word in words)
    raise OptionError(f"{name} is {text!r}; expected an id such as '1526919030474-0', or {known}")


def entries_of(reply: Any) -> list[Entry]:
    """Take the entries out of a reply of XREAD or XREADGROUP about one stream."""
    return listed_entries(reply[0][1]) if reply else []


def listed_entries(listed: Any) -> list[Entry]:
    """Take the entries out of a reply of XRANGE."""
    # XAUTOCLAIM of Redis 6.2 gives nil for an entry that is gone.
    return [Entry(each[0], each[1]) for each in listed if each is not None]


def last_id(stream: str | bytes) -> Steps[EntryId | None]:
    """Ask for the id of the last entry that the stream has ever had; None without a stream."""
    try:
        reply = yield "XINFO", "STREAM", stream
    except ResponseError as error:
        if "no such key" in str(error):
            return None
        raise
    facts = dict(zip(reply[::2], reply[1::2], strict=True))
    return parse_id(facts[b"last-generated-id"])
