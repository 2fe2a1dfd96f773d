"""RG.DUMPEXECUTIONS, GETEXECUTION, GETRESULTS(BLOCKING), ABORTEXECUTION and DROPEXECUTION."""

from __future__ import annotations

from gearframe.exceptions import OptionError
from gearframe.shard.control.arguments import Call, key, shown, word
from gearframe.shard.control.commands.command import Command
from gearframe.shard.control.control import Control
from gearframe.shard.control.executions import Execution
from gearframe.shard.control.hosting import Tree
from gearframe.shard.control.replies import LATER, OK


def _execution(control: Control, call: Call) -> Execution:
    return control.executions.get(key(call.arguments[0]))


def dump(control: Control, _call: Call) -> Tree:
    """List the executions that run or are kept."""
    return control.executions.dump()


def get(control: Control, call: Call) -> Tree:
    """Describe an execution; SHARD and CLUSTER are the same on one server."""
    if len(call.arguments) > 1 and word(call.arguments[1]) not in ("SHARD", "CLUSTER"):
        given = shown(call.arguments[1])
        raise OptionError(f"Unknown arguments were given: {given}; expected SHARD or CLUSTER")
    return control.executions.describe(_execution(control, call))


def results(control: Control, call: Call) -> Tree:
    """Give the results of a finished execution."""
    execution = _execution(control, call)
    if not execution.finished:
        raise OptionError("execution is still running")
    return execution.outcome()


def results_blocking(control: Control, call: Call) -> Tree:
    """Give the results of an execution when it has finished."""
    control.executions.wait(_execution(control, call), call.token, owns=False)
    return LATER


def abort(control: Control, call: Call) -> Tree:
    """End an execution."""
    control.executions.abort(_execution(control, call), call.token)
    return LATER


def drop(control: Control, call: Call) -> Tree:
    """Forget a finished execution."""
    control.executions.drop(_execution(control, call))
    return OK


COMMANDS = {
    "RG.DUMPEXECUTIONS": Command(dump, 0, 0),
    "RG.GETEXECUTION": Command(get, 1, 2),
    "RG.GETRESULTS": Command(results, 1, 1),
    "RG.GETRESULTSBLOCKING": Command(results_blocking, 1, 1),
    "RG.ABORTEXECUTION": Command(abort, 1, 1),
    "RG.DROPEXECUTION": Command(drop, 1, 1),
}
