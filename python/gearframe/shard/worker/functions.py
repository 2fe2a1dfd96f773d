"""The functions that scripts call, as RedisGears names and words them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, NoReturn

from gearframe.exceptions import GearsError, GearsFlatError
from gearframe.gears.plan import Reader
from gearframe.gears.readers import keys_only
from gearframe.gears.runtime import current, current_or_none
from gearframe.shard.worker.atomic import PyAtomic, in_atomic
from gearframe.shard.worker.runtime import LEVELS, ServerRuntime

_TRIGGERS = "triggers are not in this version"


def execute(*args: Any, protocol: int = 2) -> Any:
    """Run a command with the rights of the client that sent the script.

    Parameters
    ----------
    *args : object
        The command's name as str and its arguments: bytes as they are, anything else as text.
    protocol : {2, 3}
        3 gives the replies of RESP3: dicts, sets, floats and booleans.

    Raises
    ------
    GearsError
        The server answered with an error.
    """
    return current().execute(*args, protocol=protocol)


def atomic() -> PyAtomic:
    """Hold the server up for a ``with`` block, so that no other client gets in between."""
    runtime = current()
    return runtime.atomic() if isinstance(runtime, ServerRuntime) else PyAtomic()


def is_in_atomic_block() -> bool:
    """Whether the calling code is in an atomic block."""
    return in_atomic()


def hashtag() -> str:
    """A string whose slot is on this shard; write ``'{%s}' % hashtag()`` in keys."""
    return current().hashtag()


def log(msg: Any, level: str = "notice") -> None:
    """Write to the server's log; level is debug, verbose, notice or warning."""
    if msg in LEVELS and level not in LEVELS:
        current().log("log(level, message) is deprecated, use log(message, level=level)", "warning")
        msg, level = level, msg
    current().log(msg, level)


def config_get(key: str) -> str | None:
    """A setting of the module, or one that was stored; None where there is none of that name."""
    return current().config_get(key)


def gears_config_get(key: str, default: Any = None) -> Any:
    """A setting as :func:`config_get`, or a default."""
    found = config_get(key)
    return default if found is None else found


def is_async_allow() -> bool:
    """Whether a step may leave its record for later."""
    runtime = current_or_none()
    return runtime is not None and runtime.async_allowed()


def flat_error(msg: str) -> NoReturn:
    """Fail with a text that is shown without a traceback."""
    raise GearsFlatError(msg)


def call_next(*args: Any) -> NoReturn:
    """Call the command that a hook was put before. There are no hooks in this version."""
    raise GearsError("Can not get CommandHook ctx")


def get_command() -> NoReturn:
    """The command that set off a registration. There are none in this version."""
    raise GearsError("Can not get CommandHook ctx")


def override_reply(reply: Any) -> NoReturn:
    """Answer a client otherwise. There are no registrations in this version."""
    raise GearsError("Can not get CommandHook ctx")


def register_time_event(seconds: Any, function: Any, key: Any = None) -> NoReturn:
    """Call a function again and again. This comes with the triggers."""
    raise GearsError(_TRIGGERS)


def shard_reader() -> Iterator[str]:
    """What a ShardsIDReader reads: the id of this shard."""
    yield current().shard_id()


def keys_only_reader(
    pattern: str = "*",
    count: int = 1000,
    noScan: bool = False,  # noqa: N803  the name scripts use
    patternGenerator: Callable[[], tuple[str, bool]] | None = None,  # noqa: N803
) -> Callable[[], Iterator[str | bytes]]:
    """Make the function that a KeysOnlyReader reads by.

    Parameters
    ----------
    pattern : str
        Of the keys' names.
    count : int
        How many keys one SCAN looks at.
    noScan : bool
        The pattern is the name of one key.
    patternGenerator : function, optional
        Gives ``(pattern, noScan)`` where it runs, in place of those above.
    """
    options = {"count": count, "noScan": noScan, "patternGenerator": patternGenerator}

    def read() -> Iterator[Any]:
        return chain.from_iterable(keys_only(Reader("KeysOnlyReader", pattern, options), current()))

    return read


def deprecated(old: str, new: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a function under an old name, whose use is warned of in the log."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        current().log(f"{old} is deprecated, use {new}", "warning")
        return function(*args, **kwargs)

    return call
