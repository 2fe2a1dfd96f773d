"""The faults that ``FaultProxy`` can put into a stream of bytes, by name.

A fault is frozen data; ``filter()`` gives what applies it to one connection. A filter takes
a chunk and gives actions: bytes to send, or ``Wait``, ``Stall`` or ``Close``. No sockets here.
Offsets count bytes from where the faults begin (see ``FaultProxy``); the byte at offset N is
the first one that a fault at N touches, so N bytes arrive whole before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Protocol

from tests.servers.resp import value_end


@dataclass(frozen=True)
class Wait:
    """Send nothing for some seconds."""

    seconds: float


@dataclass(frozen=True)
class Stall:
    """Send nothing more, and keep the connection open."""


@dataclass(frozen=True)
class Close:
    """Close the connection, in order or with a reset."""

    reset: bool = False


Action = bytes | Wait | Stall | Close
Filter = Callable[[bytes], Iterator[Action]]


class Fault(Protocol):
    """What every fault can do."""

    def filter(self) -> Filter:
        """Give the function that applies this fault to one connection's bytes."""
        ...


@dataclass(frozen=True)
class CutAt:
    """Close after exactly ``offset`` bytes: with FIN, or with a reset that may eat some of them."""

    offset: int
    reset: bool = False

    def filter(self) -> Filter:
        def act(before: bytes, after: bytes) -> Iterator[Action]:
            yield before
            yield Close(self.reset)

        return _at(self.offset, act)


@dataclass(frozen=True)
class GarbleAt:
    """Change one byte by an exclusive or."""

    offset: int
    xor: int = 0xFF

    def filter(self) -> Filter:
        def act(before: bytes, after: bytes) -> Iterator[Action]:
            yield before + bytes(byte ^ self.xor for byte in after[:1]) + after[1:]

        return _at(self.offset, act, needs_byte=True)


@dataclass(frozen=True)
class DelayAt:
    """Wait once, before the byte at ``offset``."""

    offset: int
    seconds: float

    def filter(self) -> Filter:
        def act(before: bytes, after: bytes) -> Iterator[Action]:
            yield from (before, Wait(self.seconds), after)

        return _at(self.offset, act)


@dataclass(frozen=True)
class StallAt:
    """Send nothing from ``offset`` on, and keep the connection open."""

    offset: int

    def filter(self) -> Filter:
        def act(before: bytes, after: bytes) -> Iterator[Action]:
            yield from (before, Stall(), after)

        return _at(self.offset, act)


@dataclass(frozen=True)
class Latency:
    """Wait before each chunk that arrives."""

    seconds: float

    def filter(self) -> Filter:
        return lambda chunk: iter((Wait(self.seconds), chunk))


@dataclass(frozen=True)
class Split:
    """Send pieces of these sizes, each in a packet of its own; the last size is repeated."""

    sizes: tuple[int, ...]

    def filter(self) -> Filter:
        sizes = chain(self.sizes, repeat(self.sizes[-1]))
        room = 0

        def split(chunk: bytes) -> Iterator[Action]:
            nonlocal room
            while chunk:
                room = room or next(sizes)
                piece, chunk = chunk[:room], chunk[room:]
                room -= len(piece)
                yield piece

        return split


@dataclass(frozen=True)
class OneByteAtATime:
    """Send every byte in a packet of its own."""

    def filter(self) -> Filter:
        return Split((1,)).filter()


@dataclass(frozen=True)
class ReplaceReply:
    """Send ``data`` in place of one whole reply: the ``index``-th, counted from 0."""

    data: bytes
    index: int = 0

    def filter(self) -> Filter:
        held, passed = b"", 0

        def replace(chunk: bytes) -> Iterator[Action]:
            nonlocal held, passed
            held += chunk
            while passed <= self.index and (end := value_end(held)) is not None:
                reply, held = held[:end], held[end:]
                yield self.data if passed == self.index else reply
                passed += 1
            if passed > self.index:
                yield held
                held = b""

        return replace


def _at(
    offset: int,
    act: Callable[[bytes, bytes], Iterator[Action]],
    *,
    needs_byte: bool = False,
) -> Filter:
    """Act once, on the chunk that reaches ``offset``, cut in two there."""
    seen, done = 0, False

    def watch(chunk: bytes) -> Iterator[Action]:
        nonlocal seen, done
        here = offset - seen
        seen += len(chunk)
        if done or seen < offset + needs_byte:
            yield chunk
            return
        done = True
        yield from act(chunk[:here], chunk[here:])

    return watch
