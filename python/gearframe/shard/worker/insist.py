"""Ending code that swallows every interrupt, on Python 3.11: each brings the next one along.

A loop around a ``try`` that swallows everything has hardly a moment outside of that ``try``, so an
interrupt now and then always arrives inside. Python 3.11 makes the exception's object late: in the
frame that has a handler for it, when that is found, or where it arrives if that is in a handler
already. There the object orders the next exception, which arrives at the next bytecode that looks
for one: in the handler, or at the jump behind it. Both are outside of that ``try``. So one after
the other is left, up to the outermost.

In code of the standard library and of gearframe none is ordered, for the reason that
`gearframe.shard.worker.lines` gives, which does the same for newer Pythons.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from opcode import opmap
from threading import get_ident
from types import FrameType
from typing import ClassVar

from gearframe.exceptions import GearsForceStopped
from gearframe.shard import host
from gearframe.shard.worker.lines import is_shared

_BEGIN = opmap["RESUME"]  # where functions begin, and an exception may arrive for the first time


class Insistent(GearsForceStopped):
    """Comes again as soon as it is caught, as long as its thread is to end."""

    ending: ClassVar[dict[int, Callable[[], bool]]] = {}

    def __init__(self) -> None:
        super().__init__()
        thread = get_ident()
        wanted = self.ending.get(thread)
        again = host.in_c("interrupt")
        if wanted is None or again is None or _in_shared_code(sys._getframe(1)) or not wanted():
            return
        # Not as a call: the next one would arrive behind it, in here, and this one not come about.
        [_] = map(again, (thread,), (Insistent,))


class Insistence:
    """Used by one thread, the watchdog; has the functions of ``LineStops``."""

    exception: type[GearsForceStopped] = Insistent

    def begin(self, thread: int, wanted: Callable[[], bool]) -> None:
        """Let `exception` come again in a thread, as long as `wanted` is true there."""
        Insistent.ending[thread] = wanted

    def end(self, thread: int) -> None:
        """Leave a thread alone, which may have other work already."""
        Insistent.ending.pop(thread, None)


def _in_shared_code(frame: FrameType) -> bool:
    """Whether what goes on is everybody's. A function that has only begun is still its caller's."""
    begun = frame.f_code.co_code[::2].find(_BEGIN) * 2
    if frame.f_lasti <= begun and frame.f_back is not None:
        frame = frame.f_back
    return is_shared(frame.f_code.co_filename)
