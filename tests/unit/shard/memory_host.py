"""The functions of `_gearframe_host` over lists and dicts, for tests without a server."""

from __future__ import annotations

import ctypes
import fnmatch
import itertools
import queue
import threading
from typing import Any


class MemoryHost:
    """Mailboxes are queues, the keys a dict of records, commands a dict of functions."""

    def __init__(self) -> None:
        self.boxes: dict[int, queue.SimpleQueue[Any]] = {0: queue.SimpleQueue()}
        self.numbers = itertools.count(1)
        self.config: dict[str, str] = {"ExecutionThreads": "2"}
        self.logged: list[tuple[str, str]] = []
        self.records: list[dict[str, Any]] = []
        self.commands: dict[bytes, Any] = {}
        self.called: list[tuple[str, int, int, list[bytes]]] = []
        self.walks: dict[int, Any] = {}
        self.lock = threading.RLock()
        # In C, as in the server.
        self.interrupt: Any = ctypes.PyDLL(None)["PyThreadState_SetAsyncExc"]
        self.interrupt.argtypes = (ctypes.c_ulong, ctypes.py_object)

    def post(self, box: int, message: Any) -> bool:
        if box not in self.boxes:
            return False
        self.boxes[box].put(message)
        return True

    def take(self, box: int, timeout_ms: int) -> Any:
        try:
            if timeout_ms < 0:
                return self.boxes[box].get()
            return self.boxes[box].get(timeout=timeout_ms / 1000)
        except queue.Empty:
            return None

    def open_box(self) -> int:
        box = next(self.numbers)
        self.boxes[box] = queue.SimpleQueue()
        return box

    def close_box(self, box: int) -> None:
        if box in self.boxes:
            self.boxes.pop(box).put(None)

    def walk_open(self, options: dict[str, Any]) -> int:
        pattern = options["pattern"].decode()
        found = [each for each in self.records if fnmatch.fnmatchcase(each["key"], pattern)]
        walk = next(self.numbers)
        self.walks[walk] = iter([found[at : at + 2] for at in range(0, len(found), 2)])
        return walk

    def walk_next(self, walk: int) -> Any:
        batch = next(self.walks[walk], None)
        if batch is None:
            return None
        copies = [dict(each) for each in batch]
        return copies, any(each.get("type") == "module" for each in copies)

    def walk_close(self, walk: int) -> dict[str, int]:
        del self.walks[walk]
        return {"keys": 2, "lock_us": 1, "walk_us": 3, "longest_hold_us": 1, "holds": 1}

    def call(self, user: str, db: int, protocol: int, argv: list[bytes]) -> tuple[bool, Any]:
        self.called.append((user, db, protocol, argv))
        function = self.commands.get(argv[0].upper())
        if function is None:
            return False, f"ERR unknown command '{argv[0].decode()}'"
        return True, function(*argv[1:])

    # As in the server an interrupt finds the lock taken or free, and nothing in between.

    def atomic_enter(self) -> None:
        if self.lock._is_owned():
            raise RuntimeError("this thread holds the lock")
        self.lock.acquire()

    def atomic_exit(self) -> None:
        self.lock.release()

    def is_free(self) -> bool:
        if free := self.lock.acquire(blocking=False):
            self.lock.release()
        return free

    def log(self, level: str, text: str) -> None:
        self.logged.append((level, text))

    def config_get(self, name: str) -> str | None:
        return self.config.get(name)

    def facts(self) -> dict[str, Any]:
        return {"hashtag": "06S", "cluster": False, "shard_id": "0" * 40}
