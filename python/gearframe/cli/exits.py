"""How a command ends: exit codes, and errors as one line on standard error.

=====  ==========================================================================
code   means
=====  ==========================================================================
0      done
1      the data: a value does not fit its dtype, keys were not written, records of a
       gear failed, the demo's data set is not installed
2      the request: a wrong option, an unknown column, a server that is not reached
       or refuses
130    interrupted with Ctrl-C
=====  ==========================================================================
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import polars as pl
from cyclopts import CycloptsError

from gearframe.cli.interrupts import watch_interrupts
from gearframe.exceptions import DataError, GearframeError, GearsRunError, WriteError
from gearframe.url import redact

if TYPE_CHECKING:
    from collections.abc import Callable

DATA, REQUEST = 1, 2

_TOLD = (GearframeError, CycloptsError, pl.exceptions.PolarsError, OSError)


class MissingDataError(Exception):
    """A data set that a command needs is not installed."""


_AT_FAULT = (DataError, WriteError, MissingDataError, GearsRunError)


def run(action: Callable[[], object], *, debug: bool) -> int:
    """Do something, and turn its errors into a line and an exit code.

    Parameters
    ----------
    action : callable
        What to do.
    debug : bool
        Let errors through, so that Python prints the traceback.

    Returns
    -------
    int
        The exit code.
    """
    try:
        with watch_interrupts():
            action()
            sys.stdout.flush()
    except BrokenPipeError:
        return _leave_pipe()
    except (*_TOLD, MissingDataError) as error:
        if debug:
            raise
        print(f"error: {one_line(error)}", file=sys.stderr)
        return DATA if isinstance(error, _AT_FAULT) else REQUEST
    return 0


def one_line(error: BaseException) -> str:
    """Write an error without line breaks and passwords; Polars adds the plan below its message."""
    text = str(error)
    if isinstance(error, pl.exceptions.PolarsError):
        text = text.partition("\n\n")[0]
    # An argument at the wrong place is part of the message, and may be a URL with a password.
    words = [redact(word) if "://" in word else word for word in text.split()]
    return " ".join(words) or type(error).__name__


def _leave_pipe() -> int:
    """End quietly when the reader of our output, such as ``head``, has enough."""
    # Python flushes standard output once more at exit, which must not fail.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
