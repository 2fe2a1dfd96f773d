"""Commands of ours that a script calls: the control plane answers, at a mailbox made for it."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import Any

from gearframe.exceptions import GearsError, GearsForceStopped
from gearframe.shard import host
from gearframe.shard.worker.limits import Guard, undisturbed

_CONTROL = 0  # the control plane's mailbox
_COMMAND_SECONDS = 60.0
_MOMENT = 0.02  # seconds; the watchdog of gears interrupts more often
_SLICE_MS = 100  # between two looks at whether the code was told to end


class _Asked(threading.local):
    """The mailboxes at which this thread waits for an answer."""

    def __init__(self) -> None:
        self.boxes: list[int] = []


_asked = _Asked()


def ask(name: str, arguments: list[bytes], client: dict[str, Any], guard: Guard | None) -> Any:
    """Send the control plane a command, and wait for its answer.

    Parameters
    ----------
    name : str
        The command's.
    arguments : list of bytes
        What follows the name.
    client : dict
        On whose behalf.
    guard : Guard or None
        What may tell the code to end meanwhile.

    Raises
    ------
    GearsError
        There was no answer in time.
    GearsForceStopped
        The code was told to end.
    """
    if guard is not None and guard.stopped():
        # The code has swallowed that it is to end. Here an interrupt has the time to arrive.
        time.sleep(_MOMENT)
        raise GearsForceStopped(guard.reason)
    box = undisturbed(_open)
    try:
        host.post(_CONTROL, ("command", box, name, arguments, client))
        answer = _wait(box, name, guard)
    except BaseException:
        undisturbed(partial(_leave, box))
        raise
    undisturbed(partial(_close, box))
    return answer


def leave_all() -> None:
    """Leave what this thread still waits for; an interrupt may have kept `ask` from it."""
    for box in list(_asked.boxes):
        _leave(box)


def _open() -> int:
    box = host.open_box()
    _asked.boxes.append(box)
    return box


def _leave(box: int) -> None:
    """Wait no more, as a client that has left: what it waits for alone is ended."""
    host.post(_CONTROL, ("disconnected", -box))
    _close(box)


def _close(box: int) -> None:
    host.close_box(box)
    _asked.boxes.remove(box)


def _wait(box: int, name: str, guard: Guard | None) -> Any:
    """Wait for the answer: ("reply", tree), for the tree may be None."""
    end = time.monotonic() + _COMMAND_SECONDS
    while time.monotonic() < end:
        if guard is not None and guard.stopped():
            raise GearsForceStopped(guard.reason)
        answer = host.take(box, _SLICE_MS)
        if answer is not None:
            return answer[1]
    raise GearsError(
        f"{name} was not answered within {_COMMAND_SECONDS:.0f} s; what it waits for may wait"
        " for this script"
    )
