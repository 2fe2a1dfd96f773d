"""What goes along with running a plan: its limits, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Limits:
    """What a run may do.

    Attributes
    ----------
    cancelled : function
        Asked between batches and while futures are waited for; True ends the run as aborted.
    max_result_bytes : int or None
        How large all results may be together; above it the run fails. None or 0: any size.
    traceback : bool
        Whether the text of an error has its traceback (PythonAttemptTraceback), or is the message.
    interruptible : bool
        Whether KeyboardInterrupt ends the run, for plans that run in a user's own main thread. In a
        server it is an error of the record like any other.
    """

    cancelled: Callable[[], bool] = _never
    max_result_bytes: int | None = None
    traceback: bool = True
    interruptible: bool = False


@dataclass(frozen=True)
class StepTime:
    """What a step took.

    Attributes
    ----------
    type, name, argument : str
        The step, as :meth:`gearframe.gears.plan.Plan.describe` gives it.
    milliseconds : float
        Time in this step alone.
    """

    type: str
    name: str
    argument: str
    milliseconds: float


@dataclass(frozen=True)
class Outcome:
    """What a run gave.

    Attributes
    ----------
    results : list
        The records that came out of the last step.
    errors : list of str
        One text for each record that failed, in the order in which they failed.
    aborted : bool
        Whether it was ended from outside.
    records : int
        How many records were read.
    read_seconds, total_seconds : float
        Time in the reader, and in all.
    steps : tuple of StepTime
        Time in each step.
    """

    results: list[Any]
    errors: list[str]
    aborted: bool
    records: int
    read_seconds: float
    total_seconds: float
    steps: tuple[StepTime, ...]
