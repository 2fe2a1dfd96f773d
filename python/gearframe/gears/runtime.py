"""What the engine asks of the place it runs in, and how user code finds that place.

A server, a client's connection and a list in a test are runtimes. The one in force is a context
variable: it follows a coroutine, and is empty in a thread of the user's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from contextvars import ContextVar, copy_context
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from gearframe.exceptions import GearsError
from gearframe.gears.plan import Plan, Reader

if TYPE_CHECKING:
    from gearframe.gears.narrowing import Need


class Runtime(Protocol):
    """Where a gear runs: its data, and the server's other services."""

    def records(self, reader: Reader, need: Need | None) -> Iterator[list[Any]]:
        """Batches of a KeysReader's records; closing the iterator ends the walk.

        ``need`` is what of a record is looked at; None: all of it.
        """
        ...

    def execute(self, *args: Any, protocol: int = 2) -> Any:
        """Send a command; an error reply raises :class:`GearsError` with its text."""
        ...

    def atomic(self) -> AbstractContextManager[Any]:
        """Let nobody else in between commands of the block."""
        ...

    def in_atomic(self) -> bool:
        """Whether this thread is in an atomic block."""
        ...

    def log(self, text: str, level: str = "notice") -> None:
        """Write to the server's log."""
        ...

    def config_get(self, name: str) -> str | None:
        """A setting of the module."""
        ...

    def hashtag(self) -> str:
        """A string whose slot is on this shard."""
        ...

    def shard_id(self) -> str:
        """Who this shard is; ``"1"`` outside of a cluster."""
        ...

    def async_allowed(self) -> bool:
        """Whether a step may leave its record for later."""
        ...


T = TypeVar("T")
Launcher: TypeAlias = Callable[[Plan], Any]

_runtime: ContextVar[Runtime | None] = ContextVar("gearframe_runtime", default=None)
_launcher: ContextVar[Launcher | None] = ContextVar("gearframe_launcher", default=None)


def current() -> Runtime:
    """The runtime that the calling code runs in.

    Raises
    ------
    GearsError
        The code runs in none.
    """
    runtime = _runtime.get()
    if runtime is None:
        raise GearsError(
            "This only works inside a gear: in a script that a server runs, or in a function of a "
            "plan. In a thread of your own, set the session first: setGearsSession(session)."
        )
    return runtime


def current_or_none() -> Runtime | None:
    """The runtime that the calling code runs in, if there is one."""
    return _runtime.get()


def launcher() -> Launcher | None:
    """What ``GearsBuilder.run`` hands its plan to here; None outside of scripts and steps."""
    return _launcher.get()


def call_within(runtime: Runtime | None, launch: Launcher | None, function: Callable[[], T]) -> T:
    """Call a function with this runtime and launcher as its current ones.

    A script's launcher keeps the plan for later and returns a future; a step's launcher runs it at
    once, and returns a :class:`~gearframe.gears.futures.GearsFuture` of ``[results, errors]``.

    In a copy of the caller's context, so that nothing has to be set back: whatever interrupts it
    leaves the caller's own as they were.
    """

    def called() -> T:
        enter(runtime, launch)
        return function()

    return copy_context().run(called)


def enter(runtime: Runtime | None, launch: Launcher | None) -> None:
    """Make a runtime and a launcher the current ones of this thread or coroutine, for good."""
    _runtime.set(runtime)
    _launcher.set(launch)
