"""Which keys are looked at: a random sample over the whole keyspace.

Only names here; their values are read in ``fetch``.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from gearframe.exceptions import PermissionDeniedError

if TYPE_CHECKING:
    import redis

    from gearframe.client import Client

# Up to here all names are read, in 20 steps or so; see docs/decisions/0012-inference.md.
_WHOLE_KEYS = 20_000
_WHOLE_COUNT = 1000
# A page of 256 buckets keeps the server 0.2 ms, and eight of them are one round trip.
_PAGE_COUNT = 256
_PAGES = 8
_LEAST_PAGES = 16


@dataclass(frozen=True)
class KeySample:
    """Names of keys.

    Attributes
    ----------
    keys : tuple of bytes
        In a random order.
    is_all : bool
        Whether they are all keys that match.
    """

    keys: tuple[bytes, ...]
    is_all: bool


class _Smallest:
    """The keys with the smallest digests: a sample without repetition, in any order of arrival.

    Each key has the same chance, a key that SCAN returns twice has it once, and the same seed
    chooses the same keys again.
    """

    def __init__(self, size: int, seed: int) -> None:
        self._size = size
        self._salt = seed.to_bytes(8, "little")
        self._kept: dict[bytes, bytes] = {}
        self._bound = b"\xff" * 8
        self.is_all = True

    def add(self, keys: Iterable[bytes]) -> None:
        for key in keys:
            digest = blake2b(key, digest_size=8, key=self._salt).digest()
            if digest <= self._bound:
                self._kept[key] = digest
        if len(self._kept) > 2 * self._size:
            self._prune()

    def _prune(self) -> None:
        ordered = sorted(self._kept.items(), key=lambda item: item[1])
        self.is_all = self.is_all and len(ordered) <= self._size
        self._kept = dict(ordered[: self._size])
        if len(ordered) >= self._size:
            self._bound = ordered[self._size - 1][1]

    def __len__(self) -> int:
        return len(self._kept)

    def keys(self) -> tuple[bytes, ...]:
        self._prune()
        return tuple(self._kept)


def sample_named(keys: Sequence[bytes], size: int, seed: int) -> KeySample:
    """Sample keys that are known by name. Sends nothing."""
    smallest = _Smallest(size, seed)
    smallest.add(keys)
    return KeySample(smallest.keys(), smallest.is_all)


def sample_pattern(
    client: Client,
    control: redis.Redis,
    pattern: bytes,
    type_name: str | None,
    size: int,
    seed: int,
) -> KeySample:
    """Sample the keys that match a pattern and, if given, are of a type.

    Sends ``DBSIZE``, then ``SCAN`` as the docstring of `infer_schema` says.
    """
    try:
        total: int | None = client.dbsize()
    except PermissionDeniedError:
        total = None  # the scan itself does not need DBSIZE either
    search = ["MATCH", pattern, *(["TYPE", type_name] if type_name is not None else [])]
    if total is not None and total > max(_WHOLE_KEYS, 8 * size):
        found = _spread(control, search, total, size, seed)
        if found is not None:
            return found
    return _whole(control, search, size, seed)


def _whole(control: redis.Redis, search: Sequence[Any], size: int, seed: int) -> KeySample:
    smallest = _Smallest(size, seed)
    cursor: bytes = b"0"
    while True:
        [(cursor, keys)] = _scan(control, [cursor], search, _WHOLE_COUNT)
        smallest.add(keys)
        if cursor == b"0":
            return KeySample(smallest.keys(), smallest.is_all)


def _spread(
    control: redis.Redis, search: Sequence[Any], total: int, size: int, seed: int
) -> KeySample | None:
    """Look at pages from random places; None where too few keys match for that.

    A cursor is a bucket's number, of which the server takes as many bits as its table has: a
    random one is a random bucket.
    """
    places = random.Random(seed)
    smallest = _Smallest(size, seed)
    found = pages = 0
    while pages < _LEAST_PAGES or found < size:
        cursors = [places.getrandbits(64) for _ in range(_PAGES)]
        for _, keys in _scan(control, cursors, search, _PAGE_COUNT):
            smallest.add(keys)
        pages += _PAGES
        found = len(smallest)
        looked_at = pages * _PAGE_COUNT
        # At this rate reading all names is cheaper, and the pages would overlap.
        if found < size and looked_at * size > max(found, 1) * total / 2:
            return None
    return KeySample(smallest.keys(), is_all=False)


def _scan(
    control: redis.Redis, cursors: Sequence[int | bytes], search: Sequence[Any], count: int
) -> list[tuple[bytes, list[bytes]]]:
    """Ask for a page from each cursor, in one round trip."""
    with control.pipeline(transaction=False) as pipeline:
        for cursor in cursors:
            pipeline.execute_command("SCAN", cursor, *search, "COUNT", count)  # type: ignore[no-untyped-call]
        return [(cursor, keys) for cursor, keys in pipeline.execute()]
