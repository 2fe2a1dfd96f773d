"""The loops of the control plane's threads: commands, and messages."""

from __future__ import annotations

import traceback
from typing import Any

from gearframe.exceptions import GearframeError
from gearframe.shard.control.arguments import Call
from gearframe.shard.control.commands.table import TABLE
from gearframe.shard.control.control import Control
from gearframe.shard.control.hosting import Tree
from gearframe.shard.control.replies import LATER, error

TICK_MS = 1000


def commands(control: Control) -> None:
    """Answer commands until the server ends."""
    while (command := control.host.next_command()) is not None:
        answer(control, command)
    # Should the mailbox be closed already, the loop of messages ends by this.
    control.stopping = True
    control.host.post(0, ("shutdown",))


def answer(control: Control, command: tuple[int, str, list[bytes], dict[str, Any]]) -> None:
    """Carry out one command. Whatever happens, its client is answered and the thread goes on."""
    call = Call(*command)
    known = TABLE.get(call.name)
    if known is not None and known.alone:
        # Neither the threads of commands nor that of messages wait for it.
        control.aside(lambda: carry_out(control, call))
    else:
        carry_out(control, call)


def carry_out(control: Control, call: Call) -> None:
    """Carry out a command on this thread."""
    try:
        tree = perform(control, call)
    except GearframeError as problem:
        tree = error(str(problem))
    except Exception as problem:  # noqa: BLE001 - a fault here must not leave a client waiting
        control.host.log("warning", f"{call.name} failed: {traceback.format_exc()}")
        tree = error(f"internal error in {call.name}: {problem!r}; the server's log has more")
    if tree is not LATER:
        with control.lock:
            control.clients.answer(call.token, tree)
    control.publish()


def perform(control: Control, call: Call) -> Tree:
    """Find a command's handler and call it with the right number of arguments."""
    command = TABLE.get(call.name)
    if command is None:
        return error(f"unknown command '{call.name[:100]}'")
    if not command.takes(len(call.arguments)):
        return error(f"wrong number of arguments for '{call.name.lower()}' command")
    if command.alone:
        return command.handler(control, call)
    with control.lock:
        return command.handler(control, call)


def messages(control: Control) -> None:
    """Take messages until the server ends."""
    while not control.stopping:
        message = control.host.take(0, TICK_MS)
        receive(control, message)


def receive(control: Control, message: Tree) -> None:
    """Take in one message, or None where the time is over. A bad one is logged."""
    try:
        if message is not None and message[0] == "command":
            _, box, *command = message
            answer(control, (-box, *command))
        elif message is not None:
            control.receive(message)
        with control.lock:
            control.look_at_the_clock()
    except Exception:  # noqa: BLE001 - one bad message must not stop all that follow
        kind = message[0] if isinstance(message, tuple) and message else message
        control.host.log("warning", f"message {kind!r:.100} failed: {traceback.format_exc()}")
    control.publish()
