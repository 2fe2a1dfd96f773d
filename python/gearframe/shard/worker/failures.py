"""How an exception of a script is told to the client, and what its traceback shows."""

from __future__ import annotations

import linecache
import os
from types import TracebackType

import gearframe
from gearframe.gears.trace import error_text

_OURS = os.path.dirname(os.path.abspath(gearframe.__file__)) + os.sep


def failure_text(error: BaseException, *, with_traceback: bool = True) -> str:
    """Give the text for an exception of a script: its own frames, and the message.

    Parameters
    ----------
    error : BaseException
        What was raised.
    with_traceback : bool
        Whether frames are shown (PythonAttemptTraceback); a GearsFlatError never has them.
    """
    shown = error.with_traceback(_users(error.__traceback__))
    return error_text(shown, with_traceback=with_traceback)


def _users(frames: TracebackType | None) -> TracebackType | None:
    """Drop the frames of gearframe, which say nothing to a script's author."""
    kept = []
    while frames is not None:
        if not frames.tb_frame.f_code.co_filename.startswith(_OURS):
            kept.append(frames)
        frames = frames.tb_next
    rest = None
    for frame in reversed(kept):
        rest = TracebackType(rest, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return rest


def show_source(name: str, source: str) -> None:
    """Let tracebacks show the lines of a script that is no file."""
    # Without a time of change the entry stays: linecache looks for no file.
    lines = source.splitlines(keepends=True)
    linecache.cache[name] = (len(source), None, lines, name)


def hide_source(name: str) -> None:
    """Forget the lines of a script."""
    linecache.cache.pop(name, None)
