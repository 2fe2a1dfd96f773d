"""Reading as a consumer of a group, so that no entry is lost: the conversation with the server.

The server keeps a list of what it has given to each consumer and has not been acknowledged
(the pending entries). Whatever ends a consumer, its entries are on that list, and come first
when it reads again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import redis

from gearframe.exceptions import ReplyError
from gearframe.streams.entries import (
    Entry,
    EntryId,
    entries_of,
    last_id,
    listed_entries,
    parse_id,
)
from gearframe.streams.steps import Call, Pause, Steps

_ACK_AT_ONCE = 1000
_LEAST_CLAIM_PAUSE = 0.1


@dataclass(frozen=True, kw_only=True)
class GroupOptions:
    """Which group of which stream, and how it is read."""

    stream: str | bytes
    group: str
    consumer: str
    start: str
    create_group: bool
    batch_size: int
    claim_idle: float | None
    """Seconds after which the entries of another consumer are taken over."""
    slice_ms: int
    """How long one command may wait. A request to stop is seen between two."""
    retries: int
    backoff: float
    max_backoff: float


@dataclass
class GroupReader:
    """Where one consumer stands."""

    options: GroupOptions
    checkpoint: Callable[[], str | None]
    """Asks the checkpoint store, where there is one; it may block."""
    in_hand: dict[bytes, None] = field(default_factory=dict)
    """Ids given out and not acknowledged yet."""
    entries_deleted: int = 0
    is_without_new: bool = False
    """Whether only pending entries are read."""
    _pending_after: bytes | None = b"0"
    """Own pending entries after this id are read before new ones; None when there are no more."""
    _claim_cursor: bytes = b"0-0"
    _next_claim: float = 0.0
    _start: str | None = None

    def restart(self) -> None:
        """Read the own pending entries again, also those given out before."""
        self.in_hand.clear()
        self._pending_after = b"0"

    def skip_pending(self) -> None:
        """Go on with new entries."""
        self._pending_after = None

    def read(self, deadline: float | None, stopped: Callable[[], bool]) -> Steps[list[Entry]]:
        """Give the next entries; none if it is stopped, or the deadline passes."""
        failures = 0
        while not stopped():
            if self.is_without_new and self._pending_after is None:
                break
            try:
                entries = yield from self._once(deadline)
                failures = 0
            except redis.ConnectionError as error:
                # What was on its way is pending now, and is read first when the server is back.
                failures += 1
                if failures > self.options.retries or isinstance(error, redis.AuthenticationError):
                    raise
                yield from self._pause(failures, stopped)
                continue
            if entries:
                self.in_hand.update(dict.fromkeys(entry.id for entry in entries))
                return entries
            if entries is not None and deadline is not None and time.monotonic() >= deadline:
                break
        return []

    def acknowledge(self, ids: Iterable[bytes]) -> Steps[int]:
        """Tell the server that entries are processed; give how many of them were pending."""
        listed = list(ids)
        count = 0
        for start in range(0, len(listed), _ACK_AT_ONCE):
            some = listed[start : start + _ACK_AT_ONCE]
            count += yield from self._repeatable("XACK", *some)
            for each in some:
                self.in_hand.pop(each, None)
        return count

    def first_pending(self) -> Steps[EntryId | None]:
        """Give the lowest id that any consumer of the group was given and has not acknowledged."""
        reply = yield from self._repeatable("XPENDING")
        return parse_id(reply[1]) if reply[1] else None

    def _repeatable(self, name: str, *words: object) -> Steps[Any]:
        """Send a command that may be executed twice, again if the connection is lost."""
        failures = 0
        while True:
            try:
                return (yield name, self.options.stream, self.options.group, *words)
            except redis.ConnectionError as error:
                failures += 1
                if failures > self.options.retries or isinstance(error, redis.AuthenticationError):
                    raise
                yield from self._pause(failures, lambda: False)

    def _once(self, deadline: float | None) -> Steps[list[Entry] | None]:
        """Take one step; None means that new entries were not asked for yet."""
        try:
            if self._pending_after is not None:
                return (yield from self._own_pending(self._pending_after)) or None
            if self.options.claim_idle is not None and time.monotonic() >= self._next_claim:
                claimed = yield from self._claim(self.options.claim_idle)
                if claimed:
                    return claimed
            return (yield from self._new(deadline))
        except redis.ResponseError as error:
            text = str(error)
            if text.startswith("UNBLOCKED"):
                return None  # the stream was deleted while the server waited
            if not text.startswith("NOGROUP"):
                raise
            yield from self._create()
            return None

    def _own_pending(self, after: bytes) -> Steps[list[Entry]]:
        reply = yield self._xreadgroup(after)
        found = entries_of(reply)
        kept = yield from self._kept(found)
        # Not before: if that fails, the same page is read again.
        self._pending_after = found[-1].id if found else None
        # After a lost connection: what is given out already is not given again.
        return [entry for entry in kept if entry.id not in self.in_hand]

    def _claim(self, idle: float) -> Steps[list[Entry]]:
        options = self.options
        # As in `_new`: what a lost reply has claimed is pending here.
        self._pending_after = b"0"
        reply = yield (
            "XAUTOCLAIM", options.stream, options.group, options.consumer, round(idle * 1000),
            self._claim_cursor, "COUNT", options.batch_size,
        )  # fmt: skip
        self._claim_cursor = reply[0]
        if reply[0] == b"0-0":
            self._next_claim = time.monotonic() + max(idle, _LEAST_CLAIM_PAUSE)
        kept = yield from self._kept(listed_entries(reply[1]))
        self._pending_after = None
        return [entry for entry in kept if entry.id not in self.in_hand]

    def _new(self, deadline: float | None) -> Steps[list[Entry]]:
        wait_ms = self.options.slice_ms
        if deadline is not None:
            left = round((deadline - time.monotonic()) * 1000)
            wait_ms = max(1, min(wait_ms, left))  # 0 would be for ever
        # Whatever ends this step without a reply, the entries of the reply are not lost.
        self._pending_after = b"0"
        reply = yield self._xreadgroup(b">", "BLOCK", wait_ms)
        self._pending_after = None
        return entries_of(reply)

    def _xreadgroup(self, after: bytes, *words: object) -> tuple[object, ...]:
        options = self.options
        return (
            "XREADGROUP", "GROUP", options.group, options.consumer, "COUNT", options.batch_size,
            *words, "STREAMS", options.stream, after,
        )  # fmt: skip

    def _kept(self, entries: list[Entry]) -> Steps[list[Entry]]:
        """Leave out the entries that were deleted or trimmed while they were pending."""
        gone = [entry.id for entry in entries if entry.pairs is None]
        if gone:
            yield from self.acknowledge(gone)
            self.entries_deleted += len(gone)
        return [entry for entry in entries if entry.pairs is not None]

    def _create(self) -> Steps[None]:
        options = self.options
        if not options.create_group:
            raise ReplyError(
                f"stream {options.stream!r} has no group {options.group!r}; create it with "
                "XGROUP CREATE, or give create_group=True"
            )
        start = yield from self._beginning()
        try:
            yield "XGROUP", "CREATE", options.stream, options.group, start, "MKSTREAM"
        except redis.ResponseError as error:
            # Another consumer was faster.
            if not str(error).startswith("BUSYGROUP"):
                raise

    def _beginning(self) -> Steps[str]:
        """Find after which id a new group begins."""
        last = yield from last_id(self.options.stream)
        saved = parse_id((yield Call(self.checkpoint)) or "")
        if saved is not None:
            # A stream that ends before the checkpoint is another one: all of it is new.
            return str(saved) if last is not None and saved <= last else "0"
        if self.options.start != "$":
            return self.options.start
        # Resolved once: if the group is lost later, what came meanwhile must not be.
        if self._start is None:
            self._start = str(last) if last is not None else "0"
        return self._start

    def _pause(self, failures: int, stopped: Callable[[], bool]) -> Steps[None]:
        until = time.monotonic() + min(
            self.options.max_backoff, self.options.backoff * 2 ** (failures - 1)
        )
        while not stopped() and (left := until - time.monotonic()) > 0:
            yield Pause(min(left, self.options.slice_ms / 1000))
