"""RG.INFOCLUSTER, RG.REFRESHCLUSTER and RG.DUMPPLUGINS, on a single server."""

from __future__ import annotations

from importlib import metadata

from gearframe.shard.control.arguments import Call
from gearframe.shard.control.commands.command import Command
from gearframe.shard.control.control import Control
from gearframe.shard.control.hosting import Tree
from gearframe.shard.control.replies import OK


def info(_control: Control, _call: Call) -> Tree:
    """Say that there is no cluster."""
    return "no cluster mode"


def refresh(_control: Control, _call: Call) -> Tree:
    """Look at the cluster again, of which there is none."""
    return OK


def plugins(_control: Control, _call: Call) -> Tree:
    """Name what runs scripts, and its version."""
    return [["gearframe", metadata.version("gearframe")]]


COMMANDS = {
    "RG.INFOCLUSTER": Command(info, 0, 0),
    "RG.REFRESHCLUSTER": Command(refresh, 0, 0),
    "RG.DUMPPLUGINS": Command(plugins, 0, 0),
}
