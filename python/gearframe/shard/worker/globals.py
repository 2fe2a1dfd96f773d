"""The global variables that a script begins with."""

from __future__ import annotations

import asyncio
import copy
import io
import pstats
import sys
import threading
from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any

from gearframe.gears import futures, loop
from gearframe.gears.builder import GearsBuilder
from gearframe.shard.worker import functions, profile, redisgears, threads

SCRIPT_NAME = "gears_script"
"""``__name__`` in scripts. No module has it: cloudpickle takes a script's functions by value."""


def environment() -> dict[str, Any]:
    """Make the global variables for a new session: a copy, its own to change."""
    return _template() | _loop()


@cache
def _template() -> dict[str, Any]:
    module = redisgears.install()
    names: dict[str, Any] = {"__name__": SCRIPT_NAME, "__doc__": None}
    names |= {"redisgears": module, "rg": module}
    names |= {"copy": copy, "cProfile": _profiler(), "pstats": pstats, "io": io, "asyncio": asyncio}
    names |= _functions()
    names |= _builders()
    names |= _coroutines()
    names |= _profiling()
    return names


def _profiler() -> ModuleType:
    """Give cProfile, or where it refuses this interpreter its twin in Python."""
    try:
        import cProfile
    except ImportError:  # a sub-interpreter of Python 3.12
        import profile as python_profile

        return python_profile
    return cProfile


def _functions() -> dict[str, Any]:
    old = functions.deprecated
    return {
        "execute": functions.execute,
        "call_next": functions.call_next,
        "get_command": functions.get_command,
        "override_reply": functions.override_reply,
        "atomic": functions.atomic,
        "hashtag": functions.hashtag,
        "registerTE": functions.register_time_event,
        "log": functions.log,
        "isInAtomicBlock": functions.is_in_atomic_block,
        "configGet": functions.config_get,
        "gearsConfigGet": functions.gears_config_get,
        "isAsyncAllow": functions.is_async_allow,
        "flat_error": functions.flat_error,
        "createKeysOnlyReader": functions.keys_only_reader,
        "shardReaderCallback": functions.shard_reader,
        "genDeprecated": functions.deprecated,
        "Log": old("Log", "log", functions.log),
        "ConfigGet": old("ConfigGet", "configGet", functions.config_get),
        "GearsConfigGet": old("GearsConfigGet", "gearsConfigGet", functions.gears_config_get),
    }


def _builders() -> dict[str, Any]:
    return {
        "GearsBuilder": GearsBuilder,
        "GB": GearsBuilder,
        "PyFlatExecution": redisgears.PyFlatExecution,
        "gearsCtx": redisgears.gears_ctx,
        "createDecorator": create_decorator,
        # Left over from a loop in RedisGears; scripts see them as they saw them there.
        "k": "run",
        "f": redisgears.PyFlatExecution.run,
    }


def _coroutines() -> dict[str, Any]:
    return {
        "Future": asyncio.Future,
        "Thread": threads.Thread,
        "gearsFuture": futures.gears_future,
        "GearsFuture": futures.GearsFuture,
        "createFuture": futures.create_future,
        "setFutureResults": futures.set_future_results,
        "setFutureException": futures.set_future_exception,
        "runCoroutine": threads.run_in_session,
        "setGearsSession": threads.set_session,
        "getGearsSession": threads.get_session,
        "registerGearsThread": threads.register_thread,
        "GearsSession": threads.GearsSession,
    }


def _loop() -> dict[str, Any]:
    """The loop and its thread: new ones where a worker before this one has ended its own."""
    running = loop.loop()
    thread = next(each for each in threading.enumerate() if each.name == "gears-coroutines")
    return {"loop": running, "t": thread}


def _profiling() -> dict[str, Any]:
    return {
        "profilerCreate": profile.profiler_create,
        "profileStart": profile.profile_start,
        "profileStop": profile.profile_stop,
        "profileGetInfo": profile.profile_get_info,
    }


def create_decorator(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a method that calls a function with its object's ``gearsCtx``, and gives the object."""

    def method(self: Any, *args: Any) -> Any:
        function(self.gearsCtx, *args)
        return self

    return method


def fill_main() -> None:
    """Give ``__main__`` the names too: libraries import them from there, as in RedisGears.

    A ``__main__`` that came from a file is a program's own, and is left alone.
    """
    main = sys.modules["__main__"]
    if getattr(main, "__file__", None) is None:
        for name, value in environment().items():
            vars(main).setdefault(name, value)
