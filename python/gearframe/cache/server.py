"""The server of a cache: headers and chunks, as the commands give them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import redis

from gearframe.cache.header import MAGIC, Header, damaged, foreign
from gearframe.client import as_client
from gearframe.control import redis_client, server_errors

if TYPE_CHECKING:
    from gearframe.client import Client


@dataclass(frozen=True)
class CacheServer:
    """Where frames are cached."""

    control: redis.Redis

    def header(self, key: bytes) -> Header | None:
        """Read the header under a key; None if there is no key."""
        return self.header_in(self.control, key)

    def header_in(self, commands: Any, key: bytes) -> Header | None:
        """Read it through a pipeline that has not begun its transaction, too."""
        try:
            # Whatever else is there may be large: look at its first bytes only.
            magic = commands.getrange(key, 0, len(MAGIC) - 1)
        except redis.ResponseError as error:
            if str(error).startswith("WRONGTYPE"):
                raise foreign(key) from None
            raise
        if magic and magic != MAGIC:
            raise foreign(key)
        data = commands.get(key) if magic else None
        return None if data is None else Header.from_bytes(key, data)

    def whole(self, key: bytes) -> Header | None:
        """Read the header under a key; None also if a chunk of its frame is gone."""
        before = None
        while (header := self.header(key)) is not None:
            chunks = header.chunk_keys(key)
            if self.control.exists(*chunks) == len(chunks):
                return header
            # Another header is another frame, which has taken this one's place meanwhile.
            if header.generation == before:
                return None
            before = header.generation
        return None

    def chunk(self, key: bytes, header: Header, number: int) -> bytes | None:
        """Read a chunk and check it; None if it is gone."""
        data = self.control.get(header.chunk_key(key, number))
        if not isinstance(data, bytes):
            return None
        if not header.chunks[number].fits(data):
            raise damaged(key, f"chunk {number} is not what was written")
        return data


@contextmanager
def on_server(client: Client | str | None) -> Iterator[CacheServer]:
    """Open the connection for one call; errors of redis-py become those of gearframe."""
    opened = as_client(client)
    try:
        with redis_client(opened) as control, server_errors(opened.options.label):
            yield CacheServer(control)
    finally:
        if opened is not client:
            opened.close()
