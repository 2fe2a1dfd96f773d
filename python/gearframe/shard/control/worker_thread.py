"""The first function of a worker's thread: however it ends, the control plane hears of it."""

from __future__ import annotations

import traceback


def run(box: int) -> None:
    """Be a worker until it ends, then say so.

    Parameters
    ----------
    box : int
        The worker's mailbox.
    """
    from gearframe.shard import host

    problem: str | None = None
    try:
        from gearframe.shard.worker.main import run as work

        work(box)
    except BaseException:  # noqa: BLE001 - user code runs below; nothing of it may end unheard
        problem = traceback.format_exc()
    finally:
        host.post(0, ("worker_ended", box, problem))
