"""RG.PYDUMPREQS, RG.PYEXPORTREQ and RG.PYIMPORTREQ."""

from __future__ import annotations

from gearframe.exceptions import GearsError, OptionError
from gearframe.shard.control.archives import pack, unpack
from gearframe.shard.control.arguments import Call, shown
from gearframe.shard.control.commands.command import Command
from gearframe.shard.control.control import Control
from gearframe.shard.control.hosting import Tree
from gearframe.shard.control.replies import OK


def dump(control: Control, _call: Call) -> Tree:
    """List all requirements."""
    return [line for each in control.requirements for line in each.dump()]


def export(control: Control, call: Call) -> Tree:
    """Give a requirement's description, and its files in pieces of 10 MiB."""
    given = call.arguments[0]
    name = given.decode("utf-8", "replace")
    with control.lock:
        found = control.requirements.with_name(name)
        if found is None:
            raise OptionError(f"requirement {shown(given)} does not exist; see RG.PYDUMPREQS")
        if found.folder is None:
            raise GearsError(
                f"requirement {shown(given)} belongs to the server's Python environment; "
                "there is nothing to export, install it there on the other server too"
            )
        found.holders += 1  # the folder stays while it is read
        description = found.describe(name)
    try:
        return [description, pack(found.folder)]
    finally:
        with control.lock:
            control.requirements.release(found)


def take_in(control: Control, call: Call) -> Tree:
    """Install what another server exported."""
    names, installed = unpack(call.arguments, control.folders)
    with control.lock:
        control.requirements.take_in(names, installed)
    return OK


COMMANDS = {
    "RG.PYDUMPREQS": Command(dump, 0, 0),
    "RG.PYEXPORTREQ": Command(export, 1, 1, alone=True),
    "RG.PYIMPORTREQ": Command(take_in, 1, alone=True),
}
