"""Commands of registrations. This version has none, and answers as a server without any."""

from __future__ import annotations

from gearframe.exceptions import OptionError
from gearframe.shard.control.arguments import Call
from gearframe.shard.control.commands.command import Command
from gearframe.shard.control.control import Control
from gearframe.shard.control.hosting import Tree
from gearframe.shard.control.replies import OK


def dump(_control: Control, _call: Call) -> Tree:
    """List the registrations."""
    return []


def unknown(_control: Control, _call: Call) -> Tree:
    """Refuse the id of a registration: there is none."""
    raise OptionError("execution is not registered")


def clear(_control: Control, _call: Call) -> Tree:
    """Set the counters of all registrations to zero."""
    return OK


def trigger(_control: Control, _call: Call) -> Tree:
    """Refuse a trigger's name: there is none."""
    raise OptionError("subcommand not found")


COMMANDS = {
    "RG.DUMPREGISTRATIONS": Command(dump, 0, 0),
    "RG.UNREGISTER": Command(unknown, 1, 2),
    "RG.PAUSEREGISTRATIONS": Command(unknown, 1),
    "RG.UNPAUSEREGISTRATIONS": Command(unknown, 1),
    "RG.CLEARREGISTRATIONSSTATS": Command(clear, 0, 0),
    "RG.TRIGGER": Command(trigger, 1),
    "RG.TRIGGERONKEY": Command(trigger, 2),
}
