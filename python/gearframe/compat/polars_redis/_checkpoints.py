"""Checkpoint stores with the asynchronous methods that they have in polars-redis."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from pathlib import Path

from gearframe import streams


class CheckpointStore(ABC):
    """Where a consumer notes how far it has come; to be subclassed."""

    @abstractmethod
    async def get(self, stream: str, group: str, consumer: str) -> str | None:
        """Give the id that is noted for a consumer, or None."""

    @abstractmethod
    async def set(self, stream: str, group: str, consumer: str, stream_id: str) -> None:
        """Note an id for a consumer."""

    @abstractmethod
    async def delete(self, stream: str, group: str, consumer: str) -> None:
        """Forget a consumer."""


class _Wrapped(CheckpointStore):
    """A store of gearframe, called on a thread of its own."""

    @abstractmethod
    def _open(self) -> streams.CheckpointStore:
        """Give the store; on the thread that uses it."""

    async def get(self, stream: str, group: str, consumer: str) -> str | None:
        """Give the id that is noted for a consumer, or None."""
        key = f"{stream}:{group}:{consumer}"
        return await asyncio.to_thread(lambda: self._open().get(key))

    async def set(self, stream: str, group: str, consumer: str, stream_id: str) -> None:
        """Note an id for a consumer."""
        key = f"{stream}:{group}:{consumer}"
        await asyncio.to_thread(lambda: self._open().set(key, stream_id))

    async def delete(self, stream: str, group: str, consumer: str) -> None:
        """Forget a consumer."""
        key = f"{stream}:{group}:{consumer}"
        await asyncio.to_thread(lambda: self._open().delete(key))


class MemoryCheckpointStore(_Wrapped):
    """Checkpoints that end with the program."""

    def __init__(self) -> None:
        self._store = streams.MemoryCheckpointStore()

    def _open(self) -> streams.CheckpointStore:
        return self._store


class FileCheckpointStore(_Wrapped):
    """Checkpoints in a JSON file, of the form that polars-redis writes."""

    def __init__(self, path: str | Path) -> None:
        self._store = streams.FileCheckpointStore(path)

    def _open(self) -> streams.CheckpointStore:
        return self._store


class RedisCheckpointStore(_Wrapped):
    """Checkpoints as strings of a server, under the keys that polars-redis uses."""

    def __init__(self, url: str, key_prefix: str = "checkpoint:") -> None:
        self._url, self._key_prefix = url, key_prefix
        self._store: streams.RedisCheckpointStore | None = None

    def _open(self) -> streams.CheckpointStore:
        if self._store is None:
            self._store = streams.RedisCheckpointStore(self._url, self._key_prefix)
        return self._store

    async def close(self) -> None:
        """Close the connection; the next use opens another."""
        store, self._store = self._store, None
        if store is not None:
            store.close()


class Bridge(streams.CheckpointStore):
    """An asynchronous store for gearframe, which calls stores on a thread beside the loop."""

    def __init__(
        self, store: CheckpointStore, names: tuple[str, str, str], loop: asyncio.AbstractEventLoop
    ) -> None:
        self._store, self._names, self._loop = store, names, loop

    def get(self, key: str) -> str | None:
        """Give the id that is noted for the consumer."""
        waiting = asyncio.run_coroutine_threadsafe(self._store.get(*self._names), self._loop)
        return waiting.result()

    def set(self, key: str, entry_id: str) -> None:
        """Note an id for the consumer."""
        noting = self._store.set(*self._names, entry_id)
        asyncio.run_coroutine_threadsafe(noting, self._loop).result()

    def delete(self, key: str) -> None:
        """Forget the consumer."""
        forgetting = self._store.delete(*self._names)
        asyncio.run_coroutine_threadsafe(forgetting, self._loop).result()
