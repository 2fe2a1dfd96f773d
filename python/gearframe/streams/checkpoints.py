"""Where a consumer notes how far it has come, beside what the server knows."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gearframe.client import as_client
from gearframe.control import redis_client, server_errors
from gearframe.exceptions import OptionError

if TYPE_CHECKING:
    from gearframe.client import Client


class CheckpointStore(ABC):
    """Keeps the id of the last processed entry under a key of each consumer.

    The group on the server is what decides which entries come; a checkpoint is for the day when
    the group is gone (a failover, a lost disk): it is made anew behind the checkpoint then.
    """

    @abstractmethod
    def get(self, key: str) -> str | None:
        """Give the id that is noted under a key, or None."""

    @abstractmethod
    def set(self, key: str, entry_id: str) -> None:
        """Note an id under a key."""

    @abstractmethod
    def delete(self, key: str) -> None:
        """Forget a key; one that is not there is no error."""


class MemoryCheckpointStore(CheckpointStore):
    """Checkpoints that end with the program, for tests.

    Examples
    --------
    >>> from gearframe.streams import MemoryCheckpointStore
    >>> store = MemoryCheckpointStore()
    >>> store.set("events:loader:one", "5-0")
    >>> store.get("events:loader:one")
    '5-0'
    """

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}

    def get(self, key: str) -> str | None:
        """Give the id that is noted under a key, or None."""
        return self._ids.get(key)

    def set(self, key: str, entry_id: str) -> None:
        """Note an id under a key."""
        self._ids[key] = entry_id

    def delete(self, key: str) -> None:
        """Forget a key."""
        self._ids.pop(key, None)


class FileCheckpointStore(CheckpointStore):
    """Checkpoints in a JSON file; consumers of several processes may share it.

    Parameters
    ----------
    path : path
        The file; made when first needed, with its folder. A file beside it, with ``.lock`` at
        its end, is the lock.

    Notes
    -----
    The file is replaced as a whole and synced to the disk, so that a crash leaves the old one or
    the new one.

    Examples
    --------
    >>> from gearframe.streams import FileCheckpointStore
    >>> FileCheckpointStore("checkpoints.json").set("events:loader:one", "5-0")
    >>> FileCheckpointStore("checkpoints.json").get("events:loader:one")
    '5-0'
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def get(self, key: str) -> str | None:
        """Give the id that is noted under a key, or None."""
        return self._read().get(key)

    def set(self, key: str, entry_id: str) -> None:
        """Note an id under a key."""
        with self._locked():
            self._replace({**self._read(), key: entry_id})

    def delete(self, key: str) -> None:
        """Forget a key."""
        with self._locked():
            kept = self._read()
            if kept.pop(key, None) is not None:
                self._replace(kept)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(f"{self.path}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _read(self) -> dict[str, str]:
        try:
            text = self.path.read_text()
        except FileNotFoundError:
            return {}
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise OptionError(f"{self.path} is no file of checkpoints; give another path")
        return found

    def _replace(self, ids: dict[str, str]) -> None:
        handle, name = tempfile.mkstemp(prefix=self.path.name, dir=self.path.parent)
        try:
            with open(handle, "w") as file:
                json.dump(ids, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self.path)
        except BaseException:
            os.unlink(name)
            raise


class RedisCheckpointStore(CheckpointStore):
    """Checkpoints as strings of a server, best another one than the stream's.

    Parameters
    ----------
    client : Client or str
        The server.
    key_prefix : str, default "checkpoint:"
        What stands before each key.

    Notes
    -----
    Sends ``GET``, ``SET`` and ``DEL``.

    Examples
    --------
    >>> from gearframe.streams import RedisCheckpointStore
    >>> with gf.connect() as client, RedisCheckpointStore(client) as store:
    ...     store.set("events:loader:one", "5-0")
    ...     store.get("events:loader:one")
    '5-0'
    """

    def __init__(self, client: Client | str, key_prefix: str = "checkpoint:") -> None:
        opened = as_client(client)
        self.key_prefix = key_prefix
        self._label = opened.options.label
        self._control = redis_client(opened)
        if opened is not client:
            opened.close()

    def get(self, key: str) -> str | None:
        """Give the id that is noted under a key, or None."""
        with server_errors(self._label):
            found = self._control.get(self.key_prefix + key)
        return found.decode("ascii") if isinstance(found, bytes) else None

    def set(self, key: str, entry_id: str) -> None:
        """Note an id under a key."""
        with server_errors(self._label):
            self._control.set(self.key_prefix + key, entry_id)

    def delete(self, key: str) -> None:
        """Forget a key."""
        with server_errors(self._label):
            self._control.delete(self.key_prefix + key)

    def close(self) -> None:
        """Close the connection."""
        self._control.close()

    def __enter__(self) -> RedisCheckpointStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
