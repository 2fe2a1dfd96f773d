"""Ending code that swallows every interrupt, from Python 3.12 on: each of its lines raises one.

A loop around a ``try`` that swallows everything has hardly a moment outside of that ``try``, so a
single interrupt now and then always arrives inside. Where each line raises there is no line that
swallows: a handler has lines of its own, which are outside of its ``try``.

Code of the standard library and of gearframe raises nothing: a ``with`` block that ends this way
does not let go of what it holds, and their locks belong to everybody. All other code of the
interpreter is slower meanwhile, so this is for threads that have not ended otherwise.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import threading
from collections.abc import Callable
from types import CodeType
from typing import Any

import gearframe
from gearframe.exceptions import GearsForceStopped

_monitoring: Any = getattr(sys, "monitoring", None)  # new in Python 3.12
_TOOLS = (4, 3)  # numbers that no kind of tool has been given
_NOT_CHANGED = (
    os.path.dirname(os.path.abspath(gearframe.__file__)) + os.sep,
    "<frozen ",
)
_LIBRARY = sysconfig.get_path("stdlib") + os.sep
_PACKAGES = (os.path.join(_LIBRARY, "site-packages"), os.path.join(_LIBRARY, "dist-packages"))


class LineStops:
    """Raises :class:`GearsForceStopped` at each line of threads that are to end.

    Used by one thread, the watchdog; an interpreter has one of these.

    Attributes
    ----------
    exception : type
        What the watchdog throws into these threads now and then.
    """

    exception: type[GearsForceStopped] = GearsForceStopped

    def __init__(self) -> None:
        self._ending: dict[int, Callable[[], bool]] = {}
        self._tool: int | None = None

    def begin(self, thread: int, wanted: Callable[[], bool]) -> None:
        """Let the lines that a thread runs raise, as long as `wanted` is true in that thread."""
        # Events of all code. What the thread is in, sys._current_frames would tell, but that makes
        # objects for the threads of other interpreters too, which then free what is not theirs.
        if _monitoring is not None and (self._tool is not None or self._take_tool()):
            self._ending[thread] = wanted

    def end(self, thread: int) -> None:
        """Leave a thread alone, which may have other work already."""
        if self._ending.pop(thread, None) is None or self._ending or self._tool is None:
            return
        _monitoring.set_events(self._tool, 0)
        for event in (_monitoring.events.LINE, _monitoring.events.JUMP):
            _monitoring.register_callback(self._tool, event, None)
        _monitoring.free_tool_id(self._tool)
        self._tool = None

    def _take_tool(self) -> bool:
        free = [number for number in _TOOLS if _monitoring.get_tool(number) is None]
        if not free:  # scripts have them all
            return False
        self._tool = free[0]
        _monitoring.use_tool_id(self._tool, "gearframe")
        for event in (_monitoring.events.LINE, _monitoring.events.JUMP):
            _monitoring.register_callback(self._tool, event, self._raise)
        _monitoring.set_events(self._tool, _monitoring.events.LINE | _monitoring.events.JUMP)
        return True

    def _raise(self, code: CodeType, _: int, __: int = 0) -> Any:
        if is_shared(code.co_filename):
            return _monitoring.DISABLE  # not asked again
        wanted = self._ending.get(threading.get_ident())
        if wanted is not None and wanted():
            raise GearsForceStopped
        return None


def is_shared(name: str) -> bool:
    """Whether code of this file is everybody's."""
    if name.startswith(_NOT_CHANGED):
        return True
    return name.startswith(_LIBRARY) and not name.startswith(_PACKAGES)
