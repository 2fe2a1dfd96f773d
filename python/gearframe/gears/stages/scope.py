"""Which step this thread is calling user code for, and for which record.

``gearsFuture()`` needs to know: a future belongs to one record of one step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from operator import length_hint
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from gearframe.gears.runtime import Runtime


class Scope:
    """A block in which a step calls a function for records, one after the other.

    Parameters
    ----------
    remaining : iterator
        The iterator the records come from: its length says which record is the current one.
    runtime : Runtime or None
        Where the step runs; None in a step that waits for nobody.

    Attributes
    ----------
    last : function
        Gives the future that was made last, while somebody has it.
    """

    def __init__(self, remaining: Iterator[Any], runtime: Runtime | None) -> None:
        self._remaining = remaining
        self.runtime = runtime
        self.left = False
        self.last: Callable[[], Any] = lambda: None
        self._outer: Scope | None = None

    # Not a generator: what interrupts this thread between two lines of one leaves it half done.
    def __enter__(self) -> Self:
        self._outer = _scope.get()
        _scope.set(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.left = True
        _scope.set(self._outer)

    def record(self) -> int:
        """A number that is another one for each record."""
        return length_hint(self._remaining)


_scope: ContextVar[Scope | None] = ContextVar("gearframe_step", default=None)


def current_scope() -> Scope | None:
    """The step that this thread is in."""
    return _scope.get()


def no_step() -> None:
    """Forget the step, in code that goes on by itself."""
    _scope.set(None)
