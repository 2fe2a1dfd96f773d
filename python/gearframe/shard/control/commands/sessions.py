"""RG.PYDUMPSESSIONS."""

from __future__ import annotations

from gearframe.exceptions import OptionError
from gearframe.shard.control.arguments import Call, Words, key, shown, word
from gearframe.shard.control.commands.command import Command
from gearframe.shard.control.control import Control
from gearframe.shard.control.hosting import Tree
from gearframe.shard.control.sessions import Session


def dump(control: Control, call: Call) -> Tree:
    """List sessions: those in use, those that are dead (also TS), or those that are named."""
    verbose, dead = False, False
    named: list[bytes] | None = None
    words = Words(call.arguments)
    while words:
        given = words.next()
        option = word(given)
        if option == "VERBOSE":
            verbose = True
        elif option in ("DEAD", "TS"):
            dead = True
        elif option == "SESSIONS":
            named = words.rest()
        else:
            raise OptionError(f"Unknown arguments were given: {shown(given)}")
    found = control.sessions.dead() if dead else list(control.sessions)
    return control.sessions.dump(_chosen(found, named), verbose=verbose)


def _chosen(found: list[Session], named: list[bytes] | None) -> list[Session]:
    """Give the named sessions, in their order; one that is not there is an error."""
    if named is None:
        return found
    chosen: dict[Session, None] = {}
    for argument in named:
        having = [each for each in found if each.id == key(argument)]
        if not having:
            raise OptionError(f"session {shown(argument)} does not exist")
        chosen.update(dict.fromkeys(having))
    return list(chosen)


COMMANDS = {"RG.PYDUMPSESSIONS": Command(dump)}
