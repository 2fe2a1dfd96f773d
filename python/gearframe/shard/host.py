"""The functions that the server gives to Python, with their types.

The only file that imports ``_gearframe_host``, a module which exists inside a server alone; it is
imported when a function is first called, so that this one can be imported everywhere.

Every function lets go of the GIL before it waits for anything. What crosses is a tree of None,
bool, int, float, bytes, str, list, tuple, set and dict; it is copied, also between interpreters.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from types import FunctionType, MethodType
from typing import Any, Literal, NotRequired, ParamSpec, TypeAlias, TypedDict, TypeVar

from gearframe.exceptions import GearframeError

__all__ = [
    "Argv",
    "CallResult",
    "Tree",
    "WalkCost",
    "WalkOptions",
    "atomic_enter",
    "atomic_exit",
    "call",
    "close_box",
    "config_get",
    "facts",
    "in_c",
    "info_set",
    "interrupt",
    "log",
    "next_command",
    "open_box",
    "post",
    "reply",
    "start_interpreter",
    "take",
    "walk_close",
    "walk_next",
    "walk_open",
]

Tree: TypeAlias = Any  # None, bool, int, float, bytes, str, list, tuple, set or dict of such
Argv: TypeAlias = "list[bytes]"  # a command: its name and its arguments
CallResult: TypeAlias = "tuple[bool, Any]"  # done, and the reply or the text of the error
Command: TypeAlias = "tuple[int, str, list[bytes], dict[str, Any]]"

_HOST = "_gearframe_host"

P = ParamSpec("P")
R = TypeVar("R")


class WalkOptions(TypedDict):
    """What a walk through the keys reads, and as whom."""

    pattern: bytes
    user: str
    db: int
    read_value: bool
    no_scan: bool
    need: Literal["key", "type", "value"]
    fields: list[bytes] | None
    batch: NotRequired[int]


class WalkCost(TypedDict):
    """What a walk took: the keys seen, microseconds, and holds of the server's lock."""

    keys: int
    lock_us: int
    walk_us: int
    longest_hold_us: int
    holds: int


def _of_the_server(function: Callable[P, R]) -> Callable[P, R]:
    """Let the server's function of this name answer; outside of a server the body does."""
    name = function.__name__

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        module: Any = sys.modules.get(_HOST)
        if module is None:
            try:
                module = import_module(_HOST)
            except ModuleNotFoundError:
                return function(*args, **kwargs)
        answer: R = getattr(module, name)(*args)
        return answer

    return call


def _outside(name: str) -> GearframeError:
    return GearframeError(
        f"{name} was called outside of a server; it is there where the gearframe module is"
        " loaded: try `gearframe server`"
    )


@_of_the_server
def next_command() -> Command | None:
    """Wait for a command: its token, upper case name, arguments and client; None at the end."""
    raise _outside("next_command")


@_of_the_server
def reply(token: int, tree: Tree) -> bool:
    """Answer a blocked client; False where it is gone."""
    raise _outside("reply")


@_of_the_server
def post(box: int, message: Tree) -> bool:
    """Put a message into a mailbox; False where there is no such box."""
    raise _outside("post")


@_of_the_server
def take(box: int, timeout_ms: int) -> Tree:
    """Take a message, waiting for ever if negative; None on time-out or from a closed box."""
    raise _outside("take")


@_of_the_server
def open_box() -> int:
    """Make a mailbox."""
    raise _outside("open_box")


@_of_the_server
def close_box(box: int) -> None:
    """End a mailbox; who waits at it gets None."""
    raise _outside("close_box")


@_of_the_server
def start_interpreter(
    name: str, isolated: bool, module: str, function: str, arguments: list[Any]
) -> None:
    """Run a function in a new sub-interpreter on a thread of its own.

    Raises RuntimeError where the Python has no interpreters with a GIL of their own and one is
    asked for.
    """
    raise _outside("start_interpreter")


@_of_the_server
def interrupt(thread_ident: int, exception: type[BaseException]) -> bool:
    """Raise an exception in another thread of this interpreter, at its next bytecode."""
    raise _outside("interrupt")


def in_c(name: str) -> Callable[..., Any] | None:
    """Give one of these functions as it is in C, with no bytecode around it; None where it is not.

    For code which must not be interrupted between the function and what comes next.
    """
    found = getattr(sys.modules.get(_HOST), name, None)
    return None if isinstance(found, (FunctionType, MethodType)) else found


@_of_the_server
def walk_open(options: WalkOptions) -> int:
    """Begin to read keys; a native thread reads ahead."""
    raise _outside("walk_open")


@_of_the_server
def walk_next(walk: int) -> tuple[list[dict[str, Any]], bool] | None:
    """Get the next records, and whether a value among them is a document's JSON text."""
    raise _outside("walk_next")


@_of_the_server
def walk_close(walk: int) -> WalkCost:
    """End a walk, also before its end, and tell what it took."""
    raise _outside("walk_close")


@_of_the_server
def call(user: str, db: int, protocol: int, argv: Argv) -> CallResult:
    """Run a command as an ACL user; takes the server's lock."""
    raise _outside("call")


@_of_the_server
def atomic_enter() -> None:
    """Take the server's lock for this thread. Not recursive: RuntimeError."""
    raise _outside("atomic_enter")


@_of_the_server
def atomic_exit() -> None:
    """Let go of the server's lock."""
    raise _outside("atomic_exit")


@_of_the_server
def log(level: str, text: str) -> None:
    """Write a line into the server's log: debug, verbose, notice or warning."""
    raise _outside("log")


@_of_the_server
def config_get(name: str) -> str | None:
    """Get a setting of the module, or one that RG.CONFIGSET has stored; None for others."""
    raise _outside("config_get")


@_of_the_server
def facts() -> dict[str, Any]:
    """Get cluster, shard_id, hashtag, own_gil, memory of Python and its executable; no lock."""
    raise _outside("facts")


@_of_the_server
def info_set(section: str, fields: dict[str, int | str]) -> None:
    """Set what INFO prints."""
    raise _outside("info_set")
