"""Raising an exception in another thread, without a burden on all the others.

An exception that has not arrived raises a flag of the interpreter, and with that every thread looks
for exceptions at each call and each turn of a loop. The flag stays up as long as the thread that is
meant waits in C code. On Python 3.11, code that is profiled or traced does not get on at all: at
the start of a function it looks, and looks again, until the flag is down.

Only an exception that arrives lowers the flag. So whoever interrupts takes in one of its own. The
other thread loses nothing by that: it raises the flag itself when it is back from C with the GIL.
"""

from __future__ import annotations

import sys
import threading

from gearframe.shard import host


class _Lowers(BaseException):
    """Arrives in the thread that interrupts, and lowers the flag by that."""


def interrupt(thread: int, exception: type[BaseException]) -> bool:
    """Raise an exception in another thread of this interpreter, at its next bytecode.

    Parameters
    ----------
    thread : int
        Its identity.
    exception : type
        A class of exceptions.

    Returns
    -------
    bool
        Whether there is such a thread.
    """
    found = host.interrupt(thread, exception)
    if sys.version_info < (3, 12):  # later ones get past the flag
        _lower_flag()
    return found


def _lower_flag() -> None:
    try:
        host.interrupt(threading.get_ident(), _Lowers)
        for _ in range(3):  # it arrives here at the latest
            pass
    except _Lowers:
        pass
