"""The first thread of gears inside the server."""

from __future__ import annotations

import time

from gearframe.shard import host
from gearframe.shard.control import dispatch
from gearframe.shard.control.control import Control
from gearframe.shard.control.hosting import Host
from gearframe.shard.control.workers import start_thread

COMMAND_THREADS = 2
PATIENCE = 5.0
"""Seconds that workers have to end when the server does."""


def run(server: Host = host) -> None:
    """Answer RG.* commands until the server ends.

    Called once by the module, on a thread of its own of the main interpreter. That thread takes
    the messages; a few others take commands, and one is the shared worker.
    """
    control = Control(server)
    with control.lock:
        control.workers.shared()
    threads = [
        start_thread(dispatch.commands, f"gears-command-{number}", control)
        for number in range(COMMAND_THREADS)
    ]
    control.publish()
    dispatch.messages(control)
    _end(control)
    for thread in [*threads, *control.threads]:
        thread.join(PATIENCE)
        if thread.is_alive():
            server.log("warning", f"thread {thread.name} does not end within {PATIENCE:.0f} s")


def _end(control: Control) -> None:
    """Let workers and installations end, for a moment."""
    control.pip.stop()
    control.background.stop()
    control.copying.stop()
    with control.lock:
        control.workers.end_all()
    until = time.monotonic() + PATIENCE
    while len(control.workers) and time.monotonic() < until:
        dispatch.receive(control, control.host.take(0, 100))
    for thread in (control.background, control.copying):
        if not thread.join(PATIENCE):
            control.host.log("warning", "an installation does not end")
