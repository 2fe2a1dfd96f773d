"""What operations and readers take, checked where it is written down."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast

from gearframe.exceptions import GearsError

if TYPE_CHECKING:
    from gearframe.gears.operators import Operations
    from gearframe.gears.plan import Function, Step

P = ParamSpec("P")
B = TypeVar("B", bound="Operations")

READER_OPTIONS = {
    "KeysReader": ("noScan", "readValue"),
    "KeysOnlyReader": ("count", "noScan", "patternGenerator"),
    "StreamReader": ("fromId",),
}


def operation(make: Callable[Concatenate[B, P], Step]) -> Callable[Concatenate[B, P], B]:
    """Let a method that makes a step add it, and give the builder back."""
    signature = inspect.signature(make)
    name = make.__name__

    @wraps(make)
    def add(self: B, *args: P.args, **kwargs: P.kwargs) -> B:
        try:
            signature.bind(self, *args, **kwargs)
        except TypeError as error:
            raise GearsError(f"wrong number of args to {name}: {error}") from None
        self.add(make(self, *args, **kwargs))
        return self

    return cast("Callable[Concatenate[B, P], B]", add)


def function(name: str, value: Any) -> Function:
    """Check that an argument can be called."""
    if not callable(value):
        raise GearsError(f"{name} argument must be a function, not {value!r}")
    called: Function = value
    return called


def options_of(reader: str, argument: Any, given: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Check what a reader reads, and choose its options; unknown ones are left out."""
    if reader == "PythonReader":
        function(reader, argument)
    elif reader == "ShardsIDReader":
        argument = None
    elif not isinstance(argument, (str, bytes)):
        raise GearsError(f"{reader} argument must be a str, not {argument!r}")
    options = {name: given[name] for name in READER_OPTIONS.get(reader, ()) if name in given}
    if options.get("patternGenerator") is not None:
        function("patternGenerator", options["patternGenerator"])
    return argument, options
