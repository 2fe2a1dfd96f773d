"""Ctrl-C on the main thread: handlers put back whole, and work that it may not break off."""

from __future__ import annotations

import ctypes
import os
import signal
import threading
from functools import cache
from types import FrameType, TracebackType

# More than any platform's `struct sigaction`, which is written and read by the system alone.
_ROOM = 1024


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


class SystemHandler:
    """What the process does at a signal, below Python's own handler; kept, to be put back.

    ``signal.signal`` has Python's C function in its place, for good. But Polars hooks itself in
    there when it is imported, and without that hook Ctrl-C no longer ends its streaming engine.

    Parameters
    ----------
    number : int
        The signal.

    Raises
    ------
    OSError
        If the system knows no such signal.

    Examples
    --------
    >>> import signal
    >>> kept = SystemHandler(signal.SIGUSR1)
    >>> before = signal.signal(signal.SIGUSR1, print)
    >>> before = signal.signal(signal.SIGUSR1, before)
    >>> kept.put_back()
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._kept = ctypes.create_string_buffer(_ROOM)
        self._call(None, self._kept)

    def put_back(self) -> None:
        """Let the process do again what it did."""
        self._call(self._kept, None)

    def _call(self, new: ctypes.Array[ctypes.c_char] | None, old: object) -> None:
        if _libc().sigaction(self._number, new, old) != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"sigaction of signal {self._number}: {os.strerror(number)}")


class LateInterrupt:
    """A block that Ctrl-C does not interrupt: what it does comes when the block is over.

    Polars makes the dtypes of a frame as Python objects. Where KeyboardInterrupt arrives in there
    it panics, with a report on stderr, and its caller sees no KeyboardInterrupt any more. And
    Python drops, with a report, what is raised while it ends a generator or calls ``__del__``.

    For short work of our own, and not for functions of the user. On other threads than the main
    one, where Python interrupts nobody, it does nothing.
    """

    def __init__(self) -> None:
        self._handler: object = None
        self._system: SystemHandler | None = None
        self._came: tuple[int, FrameType | None] | None = None

    def __enter__(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        handler = signal.getsignal(signal.SIGINT)
        if not callable(handler):
            return  # ignored, or not Python's: nothing is raised
        self._system = SystemHandler(signal.SIGINT)
        try:
            signal.signal(signal.SIGINT, self._note)
        except ValueError:
            return  # a sub-interpreter, which gets no signals
        self._system.put_back()
        self._handler = handler

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        handler, system = self._handler, self._system
        if not callable(handler) or system is None:
            return
        try:
            signal.signal(signal.SIGINT, handler)
        finally:
            system.put_back()
        if self._came is not None:
            handler(*self._came)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._came = (number, frame)
