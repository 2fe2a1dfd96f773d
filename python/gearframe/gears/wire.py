"""Plans as bytes, and back: what a client sends to a server, and the results it gets.

A plan's functions travel as bytecode (cloudpickle), which each minor version of Python has its
own of. So the versions stand in front and are compared before anything is unpickled.

Unpickling runs code. A server unpickles plans of whoever may send RG.PYEXECUTE, which is Python
anyway; a client unpickles results of the server that its user has chosen, and of nobody else.
"""

from __future__ import annotations

import pickle
import sys
from dataclasses import replace
from typing import Any, NamedTuple

from gearframe.exceptions import GearsError
from gearframe.gears.plan import Map, Plan
from gearframe.gears.runtime import launcher

MAGIC = b"gearframe plan"
FORMAT = 1
_PROTOCOL = 5


class Header(NamedTuple):
    """What stands before a pickled plan.

    Attributes
    ----------
    format : int
        How the rest is written.
    python : tuple of int
        Major and minor version of the Python that wrote it.
    """

    format: int
    python: tuple[int, int]

    def to_bytes(self) -> bytes:
        """Write it."""
        return MAGIC + bytes((self.format, *self.python))

    @classmethod
    def of(cls, data: bytes) -> Header:
        """Read it, and refuse what is no plan, or one that this Python cannot read."""
        if not data.startswith(MAGIC) or len(data) < _HEADER_SIZE:
            raise GearsError(
                f"these {len(data)} bytes are no plan: expected what gearframe.gears.wire."
                "dump_plan gives"
            )
        number, major, minor = data[len(MAGIC) : _HEADER_SIZE]
        if number != FORMAT:
            raise GearsError(
                f"the plan is of format {number}, and this gearframe reads format {FORMAT}: "
                "install the same version of gearframe on the client and the server"
            )
        return cls(number, (major, minor))


_HEADER_SIZE = len(MAGIC) + 3


def dump_plan(plan: Plan) -> bytes:
    """Write a plan as bytes.

    Parameters
    ----------
    plan : Plan
        Its functions go along with what they refer to: closures, and what is defined in
        ``__main__``; what is imported from modules must be there on the other side.

    Returns
    -------
    bytes

    Raises
    ------
    GearsError
        If something that a function refers to cannot be pickled.

    Examples
    --------
    >>> from gearframe.gears.wire import dump_plan, load_plan
    >>> plan = gf.GearsBuilder().map(lambda record: record["key"]).plan("user:*")
    >>> print(load_plan(dump_plan(plan)))
    KeysReader('user:*')
      map(<lambda>)
      map(str)
      collect()  [global]
    """
    import cloudpickle  # type: ignore[import-untyped]

    try:
        pickled: bytes = cloudpickle.dumps(plan, protocol=_PROTOCOL)
    except Exception as error:  # objects raise what they want when they are pickled
        raise GearsError(
            f"the plan cannot be sent, because something in it cannot be pickled: {error}; open "
            "files and connections inside of the function instead"
        ) from error
    return Header(FORMAT, sys.version_info[:2]).to_bytes() + pickled


def load_plan(data: bytes) -> Plan:
    """Read a plan that `dump_plan` wrote.

    Parameters
    ----------
    data : bytes
        The plan; it is code, so only of whom may run code here.

    Returns
    -------
    Plan

    Raises
    ------
    GearsError
        If it is no plan, another Python wrote it, or a module that it needs is missing.
    """
    theirs, ours = Header.of(data).python, sys.version_info[:2]
    if theirs != ours:
        raise GearsError(
            f"the plan was written by Python {_dotted(theirs)} and this is Python {_dotted(ours)}: "
            f"functions travel as bytecode, which differs between minor versions. Run the client "
            f"with Python {_dotted(ours)}, or give the server's module the Python {_dotted(theirs)}"
            ' (its argument Python), or run with backend="local"'
        )
    try:
        plan = pickle.loads(data[_HEADER_SIZE:])
    except ImportError as error:
        raise GearsError(
            f"the plan needs a module that is not here: {error}; name its package in "
            "requirements, or send the module itself with "
            "cloudpickle.register_pickle_by_value(module)"
        ) from error
    if not isinstance(plan, Plan):
        raise GearsError(f"the bytes hold a {type(plan).__name__}; expected a Plan")
    return plan


def program_of(plan: Plan) -> str:
    """Give the script that runs a plan where it is executed, by RG.PYEXECUTE.

    Parameters
    ----------
    plan : Plan
        The plan; its results come as bytes, for `load_result`.

    Returns
    -------
    str
        ASCII only.
    """
    return f"from gearframe.gears import wire\nwire.launch({dump_plan(plan)!r})\n"


def launch(data: bytes) -> Any:
    """Run a plan from inside of a script; what `program_of` calls.

    Parameters
    ----------
    data : bytes
        What `dump_plan` gave.

    Returns
    -------
    object
        What the script's launcher gives, a future.
    """
    start = launcher()
    if start is None:
        raise GearsError("wire.launch is for scripts that a server runs; here, use run_plan")
    plan = load_plan(data)
    return start(replace(plan, steps=(*plan.steps, Map(dump_result))))


def dump_result(record: object) -> bytes:
    """Pickle a result; classes and functions of the plan itself go along by value."""
    try:
        return pickle.dumps(record, protocol=_PROTOCOL)
    except Exception:  # noqa: BLE001 - whatever it was, cloudpickle tries again and says it
        import cloudpickle

        pickled: bytes = cloudpickle.dumps(record, protocol=_PROTOCOL)
        return pickled


def load_result(data: bytes) -> Any:
    """Unpickle a result. It is code of the server that sent it: only of one that is trusted."""
    try:
        return pickle.loads(data)
    except Exception as error:  # bytes from elsewhere raise what they want
        raise GearsError(
            f"a result cannot be unpickled: {error}; is the module of the same gearframe, and "
            "what the result is made of installed here?"
        ) from error


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
