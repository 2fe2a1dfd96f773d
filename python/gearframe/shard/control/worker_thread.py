"""The first function of a worker's thread: however it ends, the control plane hears of it."""

from __future__ import annotations

import threading
import traceback


def run(box: int, subinterpreter: bool = False) -> None:
    """Be a worker until it ends, then say so.

    Parameters
    ----------
    box : int
        The worker's mailbox.
    subinterpreter : bool, default False
        This thread is the first of a sub-interpreter.
    """
    from gearframe.shard import host

    problem: str | None = None
    try:
        from gearframe.shard.worker import extensions

        extensions.refuse_frames_of_others()
        if subinterpreter:
            extensions.refuse_unfit()
        # Not before: it imports asyncio, whose fast part is among what is refused.
        from gearframe.shard.worker.main import run as work

        host.post(0, ("worker_begun", box))
        work(box)
    except BaseException:  # noqa: BLE001 - user code runs below; nothing of it may end unheard
        problem = traceback.format_exc()
    finally:
        _forget_this_thread()
        host.post(0, ("worker_ended", box, problem))


def _forget_this_thread() -> None:
    """Take this thread off the list of those that Python did not start.

    Python 3.13 takes the first thread of a sub-interpreter for such a one, and complains on stderr
    when the list is gone before the thread.
    """
    local = getattr(threading, "_thread_local_info", None)
    if local is not None:
        vars(local).pop("_track_dummy_thread_ref", None)
