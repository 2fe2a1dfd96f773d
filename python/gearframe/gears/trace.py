"""The text of an error in a user's function."""

from __future__ import annotations

import traceback
from pathlib import Path
from types import TracebackType

from gearframe.exceptions import GearsFlatError

_ENGINE = str(Path(__file__).parent)


def error_text(error: BaseException, *, with_traceback: bool = True) -> str:
    """Say what went wrong in a user's function.

    Parameters
    ----------
    error : BaseException
        What was raised.
    with_traceback : bool, default True
        Whether the lines of code are told, as Python prints them.

    Returns
    -------
    str
        The traceback from the user's first frame on; of a :class:`GearsFlatError`, and without
        ``with_traceback``, the message alone.
    """
    if isinstance(error, GearsFlatError) or not with_traceback:
        return printable(_message(error))
    lines = traceback.format_exception(type(error), error, _of_the_user(error.__traceback__))
    return printable("".join(lines).rstrip("\n"))


def printable(text: str) -> str:
    """Give a text that can be sent: half a surrogate pair, which is no UTF-8, as its number."""
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


def _of_the_user(frames: TracebackType | None) -> TracebackType | None:
    while frames is not None and frames.tb_frame.f_code.co_filename.startswith(_ENGINE):
        frames = frames.tb_next
    return frames


def _message(error: BaseException) -> str:
    try:
        text = str(error)
    except BaseException as second:  # noqa: BLE001 - the error's own __str__ is user code too
        return f"{type(error).__name__} (and its text cannot be made: {type(second).__name__})"
    return text or type(error).__name__
