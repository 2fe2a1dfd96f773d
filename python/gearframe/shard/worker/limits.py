"""How running user code is ended from outside: an abort, or too much time.

The code's thread gets :class:`GearsForceStopped` at its next bytecode, again and again until it
has ended, so that code which swallows it gets the next one. What is in C then, such as a sleep or a
long sort, cannot be ended: the exception waits until it is back in Python.
Code that has swallowed many of them is ended as ``lines`` does it, on Python 3.11 as ``insist``.

A thread whose job has ended must never be hit, for it may have the next job already. How that is
made sure stands at :meth:`Guard.run`.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from gearframe.exceptions import GearsForceStopped
from gearframe.gears.tasks import section
from gearframe.shard.worker.insist import Insistence
from gearframe.shard.worker.lines import LineStops
from gearframe.shard.worker.output import to_log

Interrupt = Callable[[int, type[BaseException]], bool]

_AGAIN = 0.005  # seconds between two interrupts of the same thread
_AFTER_A_FAULT = 1.0  # seconds until it is tried again
_MANY = 20  # interrupts, after which code is taken for one that swallows them

T = TypeVar("T")


class Guard:
    """One job that can be ended: while it waits, and in its sections that :meth:`run` runs.

    Attributes
    ----------
    reason : str or None
        Why it was told to end.
    limit : tuple of float and str, or None
        The deadline of the whole job, which holds for what it begins too.
    """

    def __init__(self, watchdog: Watchdog) -> None:
        self.reason: str | None = None
        self.limit: tuple[float, str] | None = None
        self._watchdog = watchdog
        # Locks of C only: an interrupt in the midst of a lock written in Python leaves it locked.
        self._lock = threading.Lock()
        self._thread: int | None = None  # whose code is interrupted; None outside of sections
        self._deadlines: list[tuple[float, str]] = []
        self._interrupted: int | None = None  # the thread that was interrupted last
        self._interrupts = 0

    def run(self, work: Callable[[], T]) -> tuple[bool, T | None]:
        """Do the work on this thread as a section that can be interrupted.

        Returns whether it came to its end, and what it gave.

        Interrupts arrive between bytecodes that look for them: at calls, at the start of functions
        and at jumps backward. No such place lies between the end of the work and the store to
        ``_thread``. From then on the watchdog, which looks there before each interrupt, sends none
        but the one that it may be about to send, and one more may have been sent and not arrived.
        Each of the two steps below takes one of them in; what gets past is caught around them.
        """
        _here.guard = self
        done = None
        ended = False
        try:
            try:
                self._thread = threading.get_ident()
                if self._deadlines:
                    self._watchdog.watch(self)
                if self.reason is None:
                    done = work()
                    ended = True
            finally:
                self._thread = None
                try:
                    self._settle()
                except GearsForceStopped:
                    self._settle()
        except GearsForceStopped:
            if self.reason is None:  # it was raised by the code itself
                self.reason = "the code raised GearsForceStopped"
        return ended, done

    def undisturbed(self, work: Callable[[], T]) -> T:
        """Do something in which no interrupt arrives; one on its way arrives before.

        For what must not be left half done, and does not take long.
        """
        if not self.runs_here():
            return work()
        here, self._thread = self._thread, None
        try:
            self._settle()
            return work()
        finally:
            self._thread = here
            if self.reason is not None or self._deadlines:
                self._watchdog.watch(self)  # which has found nobody to interrupt meanwhile

    def _settle(self) -> None:
        """Wait until no interrupt is on its way, and run bytecodes at which it arrives."""
        with self._lock:
            pass
        for _ in range(3):
            pass

    def stop(self, reason: str) -> None:
        """End the job; the first reason counts."""
        with self._lock:
            self.reason = self.reason or reason
        self._watchdog.watch(self)

    def stopped(self) -> bool:
        """Whether the job was told to end."""
        return self.reason is not None

    def runs_here(self) -> bool:
        """Whether the calling thread is the one that can be interrupted."""
        return self._thread == threading.get_ident()

    def stop_after(self, seconds: float, reason: str) -> tuple[float, str]:
        """End the job some time from now; what is returned takes it back."""
        deadline = (time.monotonic() + seconds, reason)
        self._add(deadline)
        return deadline

    def stop_at(self, limit: tuple[float, str]) -> None:
        """End the job at the limit of what began it."""
        self.limit = limit
        self._add(limit)

    def _add(self, deadline: tuple[float, str]) -> None:
        with self._lock:
            self._deadlines.append(deadline)
        self._watchdog.watch(self)

    def forget(self, deadline: tuple[float, str]) -> None:
        """Take a deadline back."""
        with self._lock:
            self._deadlines.remove(deadline)

    def tick(self, interrupt: Interrupt, stops: LineStops | Insistence) -> float | None:
        """Do what is due; seconds until the next time, None where nothing is to come."""
        with self._lock:
            now = time.monotonic()
            if self.reason is None:
                self.reason = next((why for when, why in self._deadlines if when <= now), None)
            if self._thread is None:
                if self._interrupted is not None:
                    stops.end(self._interrupted)
                return None
            if self.reason is not None:
                exception = GearsForceStopped
                self._interrupts += 1
                if self._interrupts > _MANY:
                    stops.begin(self._thread, self.runs_here)
                    exception = stops.exception
                interrupt(self._thread, exception)
                self._interrupted = self._thread
                return _AGAIN
            return min((when - now for when, _ in self._deadlines), default=None)


class _Here(threading.local):
    """Whose section this thread is in, or was in last."""

    guard: Guard | None = None


_here = _Here()


def undisturbed(work: Callable[[], T]) -> T:
    """Do something on any thread, also that of coroutines, in which no interrupt arrives."""
    guard = _here.guard
    return section.undisturbed(work) if guard is None else guard.undisturbed(work)


class Watchdog:
    """The thread that interrupts; it starts when there is something to watch for the first time.

    Parameters
    ----------
    interrupt : function
        Raises an exception in a thread, given its identity.
    """

    def __init__(self, interrupt: Interrupt) -> None:
        self._interrupt = interrupt
        self._stops = LineStops() if sys.version_info >= (3, 12) else Insistence()
        self._lock = threading.Lock()
        self._wake = threading.Lock()  # locked while there is nothing new
        self._wake.acquire()
        self._guards: set[Guard] = set()
        self._thread: threading.Thread | None = None
        self._ended = False

    def watch(self, guard: Guard) -> None:
        """Look at a guard from now on, until it has nothing more to come."""
        with self._lock:
            self._guards.add(guard)
            self._notify()
            start = self._thread is None and not self._ended
            if start:
                self._thread = threading.Thread(target=self._run, name="gears-watchdog")
        if start and self._thread is not None:
            self._thread.start()

    def end(self) -> None:
        """End the thread."""
        with self._lock:
            self._ended = True
            self._notify()
        if self._thread is not None:
            self._thread.join()

    def _notify(self) -> None:
        if self._wake.locked():
            self._wake.release()

    def _run(self) -> None:
        wait: float | None = None
        while not self._ended:
            self._wake.acquire(timeout=-1 if wait is None else max(wait, 0))
            wait = self._look()

    def _look(self) -> float | None:
        """Look at every guard; seconds until the next time."""
        with self._lock:
            guards, self._guards = self._guards, set()
        waits = []
        for guard in guards:
            try:
                wait = guard.tick(self._interrupt, self._stops)
            except Exception as error:  # noqa: BLE001  it watches over all others too
                to_log(f"the watchdog of gears failed, and goes on: {error!r}", "warning")
                wait = _AFTER_A_FAULT
            if wait is not None:
                waits.append(wait)
                with self._lock:
                    self._guards.add(guard)
        return min(waits, default=None)
