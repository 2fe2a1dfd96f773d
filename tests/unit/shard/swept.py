"""A worker whose code is interrupted at a chosen place, for tests that try one after the other.

Python lets an exception of another thread in where a function of Python begins, and behind a call
of C. These are the events of a profiler, which does here on the code's own thread what the control
plane and the watchdog do on theirs: so it is known where the exception arrives.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from opcode import opmap
from types import FrameType
from typing import Any

from gearframe.gears.loop import loop
from gearframe.gears.runtime import current_or_none, launcher
from gearframe.gears.stages.parking import _open as waiting
from gearframe.gears.stages.scope import current_scope
from gearframe.shard.worker import interrupts
from gearframe.shard.worker.asking import _asked
from gearframe.shard.worker.atomic import in_atomic
from gearframe.shard.worker.limits import Guard
from gearframe.shard.worker.main import Worker
from gearframe.shard.worker.pool import Job, Pool
from tests.servers.patience import PATIENCE
from tests.unit.shard import memory_host
from tests.unit.shard.memory_host import MemoryHost

_REPEAT = 300  # events until the next one, for an interrupt that was lost in a destructor
_MOST = 15  # interrupts; after some more the product takes code for one that swallows them
_RETURNS = [opmap[name] for name in ("RETURN_VALUE", "RETURN_CONST") if name in opmap]
_IN_C = (
    "post", "take", "open_box", "close_box", "walk_open", "walk_next", "walk_close", "call",
    "atomic_enter", "atomic_exit", "log", "config_get", "facts",
)  # fmt: skip


class HostInC(MemoryHost):
    """No interrupt arrives in the server's functions, but right behind them."""

    def __init__(self) -> None:
        super().__init__()
        for name in _IN_C:
            setattr(self, name, partial(getattr(self, name)))


class Swept:
    """A worker with one thread for each depth of nesting, and without the watchdog's thread."""

    def __init__(self, host: MemoryHost) -> None:
        self.host = host
        self.box = host.open_box()
        self.worker = Worker(self.box)
        self.pools: list[Pool] = self.worker._pools
        for pool in self.pools:
            pool._size = 1
        self.watchdog = self.worker._watchdog
        self.watchdog._thread = threading.Thread(target=lambda: None)
        self.watchdog._thread.start()
        self.watchdog._interrupt = lambda *sent: self._sent.append(sent) or True
        self.events = 0
        self.where = ""
        self._sent: list[tuple[int, type[BaseException]]] = []
        self._job = 0
        self._at: Sequence[int] = ()
        self._times = 0
        self._stop: Callable[[str], None] = self.worker._on_abort
        self._inside: FrameType | None = None  # the server's
        self._thread = threading.Thread(target=self.worker.serve)
        self._thread.start()
        host.post(self.box, ("open", "s", {}))

    def run(
        self,
        text: str,
        at: Sequence[int] = (),
        stop: Callable[[str], None] | None = None,
        **options: Any,
    ) -> list[Any]:
        """Run a script, interrupted at some of its events; gives what the control plane is told."""
        self._job += 1
        name = f"e{self._job}"
        self._times, self.events, self.where, self._inside = 0, 0, "", None
        self._stop = stop or self.worker._on_abort
        self._at = at
        given = {"execution_id": name, "user": "ann", "db": 3, "protocol": 2, "traceback": False}
        self.host.post(self.box, ("script", self._job, "s", text.encode(), given | options))
        told: list[Any] = []
        end = time.monotonic() + PATIENCE
        while not (_is_over(told, name) and self._rests()):
            message = self.host.take(0, 1)
            if message is not None and message[0] == "command":
                self.host.post(message[1], ("reply", [b"answer"]))
            elif message is not None:
                told.append(message)
            assert time.monotonic() < end, (told, self.where)
        self._at = ()
        while (message := self.host.take(0, 0)) is not None:
            told.append(message)
        return [_without_names(each, name) for each in told]

    def _rests(self) -> bool:
        busy = any(pool._open for pool in self.pools) or asyncio.all_tasks(loop())
        return not busy and not self.worker._sessions.get("s").coroutines._cancels

    def left(self) -> dict[str, Any]:
        """What there is for ever, though nothing runs."""
        end = time.monotonic() + PATIENCE
        while (found := self._left()) and time.monotonic() < end:
            time.sleep(0.01)
        return found

    def _left(self) -> dict[str, Any]:
        self.watchdog._look()
        self.watchdog._look()
        found: dict[str, Any] = {
            "executions": self.worker._running,
            "guards": set(self.watchdog._guards),
            "walks": self.host.walks,
            "boxes": set(self.host.boxes) - {0, self.box},
            "lock": not self.host.is_free(),
            "tasks": self.worker._sessions.get("s").tasks,
            "warnings": [text for level, text in self.host.logged if level == "warning"],
        }
        for pool in self.pools[:2]:
            if pool._threads:
                found[pool._name] = self._left_on(pool)
        return {name: each for name, each in found.items() if each}

    def _left_on(self, pool: Pool) -> list[Any]:
        found: list[Any] = []

        def look() -> None:
            found.extend((current_or_none(), launcher(), current_scope(), in_atomic()))
            found.extend((*waiting.parkings, *_asked.boxes))

        if not self._do(pool, look):
            return ["the thread is dead"]
        return [each for each in found if each]

    def _do(self, pool: Pool, work: Callable[[], object]) -> bool:
        done = threading.Event()

        def do() -> None:
            work()
            done.set()

        pool.submit(Job(do, lambda: None))
        return done.wait(PATIENCE)

    def end(self) -> None:
        """End the worker."""
        self.host.post(self.box, ("end",))
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    # -- on the thread that is interrupted ---------------------------------------------------------

    @contextmanager
    def interrupting(self, depth: int) -> Iterator[None]:
        """Interrupt the thread of the executions that are so deep inside of others."""
        assert self._do(self.pools[depth], lambda: sys.setprofile(self._event))
        yield
        assert self._do(self.pools[depth], lambda: sys.setprofile(None))

    def _event(self, frame: FrameType, kind: str, _: object) -> None:
        if not self._is_a_place(frame, kind):
            return
        self.events += 1
        if not self._at or self.events < self._at[0] or self._times == _MOST:
            return
        since = self.events - self._at[0]
        if (self.events in self._at or since % _REPEAT == 0) and self._tick(frame):
            # Not as a call: it arrives in the code, and not behind the call in here.
            [_] = map(self.host.interrupt, (threading.get_ident(),), (self._sent[-1][1],))

    def _is_a_place(self, frame: FrameType, kind: str) -> bool:
        """Whether an exception arrives here, before the next event."""
        code, at = frame.f_code.co_code, frame.f_lasti
        if self._inside is not None:
            if frame is not self._inside or kind != "return":
                return False
            self._inside = None
            return code[at] in _RETURNS
        if kind == "call" and frame.f_code.co_filename == memory_host.__file__:
            self._inside = frame
            return False
        if kind == "call":
            return at >= 0 and code[at] == opmap["RESUME"] and code[at + 1] < 2
        return kind == "c_return"

    def _tick(self, frame: FrameType) -> bool:
        """Do what others do to end the code; whether this thread is to be interrupted."""
        if self._is_locked():
            if self.events in self._at:  # the others would have to wait
                self._at = [each + (each >= self.events) for each in self._at]
            return False
        if not self._times:
            code = frame.f_code
            self.where = f"{code.co_qualname} ({code.co_filename}:{frame.f_lineno})"
            self._stop(f"e{self._job}")
        self._times += 1
        self._sent.clear()
        self.watchdog._look()
        here = threading.get_ident()
        for thread, exception in self._sent:
            if thread != here:
                interrupts.interrupt(thread, exception)
        self._sent = [each for each in self._sent if each[0] == here]
        return bool(self._sent)

    def _is_locked(self) -> bool:
        guards: set[Guard] = {task.guard for task, _ in self.worker._running.values()}
        guards |= self.watchdog._guards
        locks = [self.worker._lock, self.watchdog._lock, *(each._lock for each in guards)]
        return any(lock.locked() for lock in locks)


def _is_over(told: list[Any], name: str) -> bool:
    return any(
        each[0] in ("failed", "no_execution") or (each[0] == "done" and each[1] == name)
        for each in told
    )


def _without_names(message: Any, name: str) -> Any:
    """A message in which the execution is called the same in each run."""
    own = {name: "own"}
    return tuple(own.get(each, each) if isinstance(each, str) else each for each in message)
