"""Ctrl-C while Polars is busy with a batch on the main thread."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType


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
        self._came: tuple[int, FrameType | None] | None = None

    def __enter__(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        handler = signal.getsignal(signal.SIGINT)
        if not callable(handler):
            return  # ignored, or not Python's: nothing is raised
        try:
            signal.signal(signal.SIGINT, self._note)
        except ValueError:
            return  # a sub-interpreter, which gets no signals
        self._handler = handler

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        handler = self._handler
        if not callable(handler):
            return
        signal.signal(signal.SIGINT, handler)
        if self._came is not None:
            handler(*self._came)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._came = (number, frame)
