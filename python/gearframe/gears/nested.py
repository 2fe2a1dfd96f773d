"""A plan that a step of another plan runs."""

from __future__ import annotations

from contextvars import copy_context
from typing import TYPE_CHECKING

from gearframe.gears.futures import (
    GearsFuture,
    create_future,
    set_future_exception,
    set_future_results,
)
from gearframe.gears.loop import start_thread
from gearframe.gears.plan import Plan
from gearframe.gears.stages.scope import no_step

if TYPE_CHECKING:
    from gearframe.gears.outcome import Limits
    from gearframe.gears.runtime import Launcher, Runtime


def in_a_thread(runtime: Runtime, limits: Limits) -> Launcher:
    """Make a launcher that runs a plan at once, in a thread of its own.

    Parameters
    ----------
    runtime : Runtime
        Where it runs.
    limits : Limits
        Of the outer plan; they hold for the inner one too.

    Returns
    -------
    function
        Takes a plan; gives a future of ``[results, errors]``.
    """

    def launch(plan: Plan) -> GearsFuture[list[object]]:
        from gearframe.gears.run import run_plan  # it imports this module

        future = create_future()

        def run() -> None:
            try:
                outcome = run_plan(plan, runtime, limits=limits)
            except Exception as error:  # noqa: BLE001 - it is raised where the future is awaited
                set_future_exception(future, error)
            else:
                set_future_results(future, [outcome.results, outcome.errors])

        variables = copy_context()
        variables.run(no_step)
        start_thread(lambda: variables.run(run), "gears-nested")
        return future

    return launch
