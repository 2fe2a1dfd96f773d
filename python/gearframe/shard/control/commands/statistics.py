"""RG.PYSTATS and RG.PYPROFILE."""

from __future__ import annotations

from gearframe.exceptions import GearsError, OptionError
from gearframe.shard.control.arguments import Call, key, shown, text, word
from gearframe.shard.control.commands.command import Command
from gearframe.shard.control.control import Control
from gearframe.shard.control.hosting import Tree
from gearframe.shard.control.info import statistics
from gearframe.shard.control.replies import LATER, OK, flat


def stats(control: Control, _call: Call) -> Tree:
    """Give the memory that Python has."""
    return flat(statistics(control.host))


def profile(control: Control, call: Call) -> Tree:
    """Print a session's profile (STATS), or begin it anew (RESET)."""
    order, given = word(call.arguments[0]), call.arguments[1]
    if order not in ("STATS", "RESET") or (order == "RESET" and len(call.arguments) > 2):
        raise OptionError(
            "expected RG.PYPROFILE STATS <session> [<order>] or RG.PYPROFILE RESET <session>"
        )
    session = control.sessions.find(key(given))
    if session is None:
        raise OptionError(f"session {shown(given)} does not exist")
    if not session.profile:
        raise GearsError(
            f"session {session.id} has no profile: ProfileExecutions was 0 when it began"
        )
    if order == "RESET":
        if session.worker is not None:
            control.workers.tell(session.worker, ("profile_reset", 0, session.key))
        return OK
    column = text(call.arguments[2], "the order", 64) if len(call.arguments) > 2 else None
    control.ask_profile(session, column, call.token)
    return LATER


COMMANDS = {
    "RG.PYSTATS": Command(stats, 0, 0),
    "RG.PYPROFILE": Command(profile, 2, 3),
}
