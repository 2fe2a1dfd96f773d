"""The module ``redisgears`` that scripts and their libraries import, in all its spellings."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from gearframe.exceptions import GearsError, GearsFlatError, GearsForceStopped
from gearframe.gears.builder import GearsBuilder
from gearframe.gears.futures import StepFuture, gears_future
from gearframe.shard.worker import functions, threads
from gearframe.shard.worker.atomic import PyAtomic

NAME = "redisgears"


class PyFlatExecution(GearsBuilder):
    """The builder below GearsBuilder: its ``run`` adds neither ``map(str)`` nor ``collect()``."""

    def run(self, arg: Any = None, **options: Any) -> Any:
        """Run the gear."""
        return super().run(arg, **{"convertToStr": False, "collect": False, **options})

    def register(self, prefix: str = "*", **options: Any) -> Any:
        """Register the gear for events."""
        return super().register(prefix, **{"convertToStr": False, "collect": False, **options})


def gears_ctx(reader: str = "KeysReader", desc: str | None = None) -> PyFlatExecution:
    """Make a low-level builder."""
    return PyFlatExecution(reader, "*", desc)


def save_globals() -> None:
    """Do nothing: the names of scripts are made by this package."""


def install() -> ModuleType:
    """Make ``import redisgears`` work in this interpreter."""
    module = sys.modules.get(NAME)
    if module is None:
        module = ModuleType(NAME, "What RedisGears gives to scripts; answered by gearframe.")
        vars(module).update(_names())
        sys.modules[NAME] = module
    return module


def _names() -> dict[str, Any]:
    return {
        "gearsCtx": gears_ctx,
        "registerGearsThread": threads.register_thread,
        "getGearsSession": threads.get_session,
        "setGearsSession": threads.set_session,
        "isInAtomicBlock": functions.is_in_atomic_block,
        "gearsFutureCtx": gears_future,
        "atomicCtx": functions.atomic,
        "_saveGlobals": save_globals,
        "executeCommand": functions.execute,
        "log": functions.log,
        "config_get": functions.config_get,
        "getMyHashTag": functions.hashtag,
        "registerTimeEvent": functions.register_time_event,
        "callNext": functions.call_next,
        "getCommand": functions.get_command,
        "overrideReply": functions.override_reply,
        "isAsyncAllow": functions.is_async_allow,
        "flatError": functions.flat_error,
        "PyExecutionSession": threads.PyExecutionSession,
        "PyFlatExecution": PyFlatExecution,
        "PyAtomic": PyAtomic,
        "PyFuture": StepFuture,
        "GearsError": GearsError,
        "GearsForceStopped": GearsForceStopped,
        "GearsFlatError": GearsFlatError,
    }
