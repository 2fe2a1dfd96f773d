"""Something that happens between two commands of a scan, at an exact place and without a clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import redis

import gearframe as gf
from tests.servers.faults import Filter
from tests.servers.proxy import FaultProxy


@dataclass
class Before:
    """Call ``act`` before the server gets the packets with ``word`` whose numbers are in ``turns``.

    Numbers count from 1; ``act`` is called in the proxy, and the scan waits for it.
    """

    word: bytes
    act: Callable[[], object]
    turns: frozenset[int]
    seen: int = 0
    acted: int = 0
    failed: list[Exception] = field(default_factory=list)

    def filter(self) -> Filter:
        def pass_on(chunk: bytes) -> Iterator[bytes]:
            if self.word in chunk:
                self.seen += 1
                if self.seen in self.turns:
                    self.acted += 1
                    self._act()
            yield chunk

        return pass_on

    def _act(self) -> None:
        try:
            self.act()
        except redis.RedisError as error:
            self.failed.append(error)


@contextmanager
def before(
    url: str, word: str, act: Callable[[], object], *turns: int, protocol: int = 3
) -> Iterator[gf.Client]:
    """Give a client; fail where the block has not come to the place, or ``act`` went wrong."""
    hook = Before(b"\r\n%s\r\n" % word.encode(), act, frozenset(turns or (1,)))
    with (
        FaultProxy(url, command_faults=[hook]) as proxy,
        gf.connect(proxy.url, retries=0, protocol=protocol) as client,  # type: ignore[arg-type]
    ):
        yield client
    assert hook.failed == []
    assert hook.acted > 0, f"only {hook.seen} packets had {word}"
