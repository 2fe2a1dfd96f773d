"""All commands by name."""

from __future__ import annotations

from gearframe.shard.control.commands import (
    cluster,
    executions,
    pyexecute,
    registrations,
    requirements,
    sessions,
    statistics,
)
from gearframe.shard.control.commands.command import Command

TABLE: dict[str, Command] = {
    **pyexecute.COMMANDS,
    **executions.COMMANDS,
    **sessions.COMMANDS,
    **requirements.COMMANDS,
    **statistics.COMMANDS,
    **registrations.COMMANDS,
    **cluster.COMMANDS,
}
