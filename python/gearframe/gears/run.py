"""Running a plan on one shard."""

from __future__ import annotations

from collections.abc import Callable

from gearframe.gears.outcome import Limits, Outcome
from gearframe.gears.plan import Plan
from gearframe.gears.runtime import Launcher, Runtime

Progress = Callable[[int], None]


def run_plan(
    plan: Plan,
    runtime: Runtime,
    *,
    limits: Limits | None = None,
    progress: Progress | None = None,
    launch: Launcher | None = None,
) -> Outcome:
    """Run a plan over a runtime's records.

    Parameters
    ----------
    plan : Plan
        What to run.
    runtime : Runtime
        Where.
    limits : Limits, optional
        How long and how much.
    progress : function, optional
        Called after each batch with the number of records read so far.
    launch : function, optional
        What ``GearsBuilder.run`` does inside a step. By default the plan is run in a thread of its
        own over the same runtime.
    """
    raise NotImplementedError
