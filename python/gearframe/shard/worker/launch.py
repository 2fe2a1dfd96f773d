"""What ``run`` does in a script, and in the code of a script that is over."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from gearframe.exceptions import GearsError
from gearframe.gears.futures import create_future
from gearframe.gears.plan import Plan

Spawn = Callable[[Plan], Any]


class ScriptLauncher:
    """Keeps the one plan that a script may make; after the script, plans run at once.

    Parameters
    ----------
    spawn : function
        Runs a plan at once, as an execution of its own, and gives a future of what comes out.

    Attributes
    ----------
    plan : Plan or None
        What the script wants to be run.
    future : Future or None
        What it waits for the results with.
    """

    def __init__(self, spawn: Spawn) -> None:
        self.plan: Plan | None = None
        self.future: asyncio.Future[Any] | None = None
        self._spawn = spawn
        self._thread: int | None = threading.get_ident()

    def __call__(self, plan: Plan) -> Any:
        """Take a plan from ``GearsBuilder.run``."""
        if threading.get_ident() != self._thread:
            return self._spawn(plan)
        if self.plan is not None:
            raise GearsError("Can not run more then 1 executions in a single script")
        self.plan = plan
        self.future = create_future()
        return self.future

    def end(self) -> None:
        """The script is over: what it left behind in threads and coroutines runs plans at once."""
        self._thread = None
