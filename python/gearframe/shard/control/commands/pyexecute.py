"""RG.PYEXECUTE, and the two commands of its past."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from gearframe.exceptions import GearsError, OptionError
from gearframe.shard.control.arguments import Call, Words, session_id, shown, text, word
from gearframe.shard.control.commands.command import Command
from gearframe.shard.control.control import Control
from gearframe.shard.control.hosting import Tree
from gearframe.shard.control.names import parse_all
from gearframe.shard.control.replies import LATER, error
from gearframe.shard.control.sessions import Wanted

LONGEST_DESCRIPTION = 65_536
MODES = ("shared", "subinterpreter")


@dataclass
class Options:
    """The options of RG.PYEXECUTE; none is given twice with two meanings, the last one counts."""

    unblocking: bool = False
    upgrade: bool = False
    force: bool = False
    id: str | None = None
    replaces: str | None = None
    description: str = ""
    isolation: str | None = None
    requirements: list[bytes] = field(default_factory=list)


def _isolation(argument: bytes) -> str:
    found = argument[:64].decode("ascii", "replace").lower()
    if found not in MODES:
        raise OptionError(f"ISOLATION is {shown(argument)!r}, expected {' or '.join(MODES)}")
    return found


def _description(options: Options, words: Words) -> None:
    given = words.value("DESCRIPTION")
    options.description = text(given, "DESCRIPTION", LONGEST_DESCRIPTION)


def _set(name: str, option: str, read: Callable[[bytes], str]) -> Callable[[Options, Words], None]:
    def take(options: Options, words: Words) -> None:
        setattr(options, name, read(words.value(option)))

    return take


def _flag(name: str) -> Callable[[Options, Words], None]:
    def take(options: Options, _words: Words) -> None:
        setattr(options, name, True)

    return take


def _requirements(options: Options, words: Words) -> None:
    options.requirements = words.rest()


OPTIONS: dict[str, Callable[[Options, Words], None]] = {
    "UNBLOCKING": _flag("unblocking"),
    "UPGRADE": _flag("upgrade"),
    "FORCE_REINSTALL_REQUIREMENTS": _flag("force"),
    "ID": _set("id", "ID", session_id),
    "REPLACE_WITH": _set("replaces", "REPLACE_WITH", session_id),
    "DESCRIPTION": _description,
    "ISOLATION": _set("isolation", "ISOLATION", _isolation),
    "REQUIREMENTS": _requirements,
}


def parse(arguments: list[bytes]) -> Options:
    """Read the options that follow the script.

    Raises
    ------
    OptionError
        An option is unknown, or has no value or a wrong one.
    """
    options, words = Options(), Words(arguments)
    while words:
        given = words.next()
        take = OPTIONS.get(word(given))
        if take is None:
            raise OptionError(f"Unknown arguments were given: {shown(given)}")
        take(options, words)
    return options


def execute(control: Control, call: Call) -> Tree:
    """Answer RG.PYEXECUTE: take a script, which runs in a worker."""
    if not control.settings.flag("ExecutionEnabled"):
        raise GearsError("running Python is switched off on this server (ExecutionEnabled is 0)")
    body = call.arguments[0]
    text(body, "the script")
    options = parse(call.arguments[1:])
    wanted = Wanted(
        id=options.id,
        upgrade=options.upgrade,
        replaces=options.replaces,
        description=options.description,
        isolation=options.isolation or _configured(control),
        profile=control.settings.flag("ProfileExecutions"),
        names=parse_all(options.requirements),
    )
    control.scripts.begin(
        call.token,
        call.client,
        body,
        wanted,
        unblocking=options.unblocking,
        force=options.force,
    )
    return LATER


def _configured(control: Control) -> str:
    found = control.settings.text("Isolation").strip().lower()
    return found if found in MODES else "shared"


def gone(_control: Control, call: Call) -> Tree:
    """Answer a command that RedisGears gave up before its last version."""
    return error(f"{call.name} is not longer supported")


COMMANDS = {
    "RG.PYEXECUTE": Command(execute, 1),
    "RG.PYEXECUTEREMOTE": Command(gone),
    "RG.PYFREEINTERPRETER": Command(gone),
}
