"""Where records come from: the readers, over what a runtime has.

Each gives batches of records. An error while reading ends the reading; the records before it go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import perf_counter
from typing import TYPE_CHECKING, Any

from gearframe.exceptions import GearsError, GearsForceStopped
from gearframe.gears.plan import Reader
from gearframe.gears.runtime import Runtime
from gearframe.gears.stages.room import Room

if TYPE_CHECKING:
    from gearframe.gears.narrowing import Need

# Records of a slow generator do not wait longer than this for others.
_GATHER_SECONDS = 0.005
_PAGE = 1000

Batches = Iterator[list[Any]]


def read(reader: Reader, runtime: Runtime, need: Need | None, room: Room) -> Batches:
    """Read what a plan's reader names, in batches.

    Parameters
    ----------
    reader : Reader
        The reader.
    runtime : Runtime
        Where to read.
    need : Need or None
        Of a KeysReader's records, what is looked at.
    room : function
        How many records are wanted at most; a PythonReader is asked for no more.

    Raises
    ------
    GearsError
        The reader cannot be run.
    """
    if reader.name == "KeysReader":
        return runtime.records(reader, need)
    if reader.name == "PythonReader":
        return _python(reader.argument, room)
    run = _READERS.get(reader.name)
    if run is None:
        raise GearsError("Given reader do not support run or not exists")
    return run(reader, runtime)


def _python(function: Callable[[], Any], room: Room) -> Batches:
    records = iter(function())
    try:
        while True:
            batch: list[Any] = []
            try:
                _gather(records, batch, room())
            except GearsForceStopped:
                raise
            except BaseException:
                # What the generator gave before it failed is worked on first.
                if batch:
                    yield batch
                raise
            if not batch:
                return
            yield batch
    finally:
        close(records)


def _gather(records: Iterator[Any], batch: list[Any], size: int) -> None:
    until = perf_counter() + _GATHER_SECONDS
    for record in records:
        batch.append(record)
        if len(batch) >= size or perf_counter() > until:
            return


def keys_only(reader: Reader, runtime: Runtime) -> Batches:
    """Names of keys, by SCAN."""
    pattern, no_scan = reader.argument, bool(reader.options.get("noScan", False))
    generate = reader.options.get("patternGenerator")
    if generate is not None:
        pattern, no_scan = generate()
    if no_scan:
        if runtime.execute("EXISTS", pattern) == 1:
            yield [pattern]
        return
    count = reader.options.get("count", _PAGE)
    cursor = "0"
    seen: set[Any] = set()  # SCAN gives a key again where the table was resized meanwhile
    while True:
        cursor, keys = runtime.execute("SCAN", cursor, "MATCH", pattern, "COUNT", count)
        found = [key for key in dict.fromkeys(map(_hashable, keys)) if key not in seen]
        seen.update(found)
        yield found
        if str(cursor) == "0":
            return


def _stream(reader: Reader, runtime: Runtime) -> Batches:
    stream, after = reader.argument, str(reader.options.get("fromId", "0-0"))
    if after == "$":  # as in XREAD: what comes from now on, which is nothing
        return
    # What is added while the stream is read stays out, or a step that adds would never end.
    last = runtime.execute("XREVRANGE", stream, "+", "-", "COUNT", 1)
    end = last[0][0] if last else "+"
    while True:
        page = runtime.execute("XRANGE", stream, f"({after}", end, "COUNT", _PAGE)
        if not page:
            return
        yield [{"key": stream, "id": id_, "value": _fields(flat)} for id_, flat in page]
        after = page[-1][0]
        if len(page) < _PAGE:
            return


def _fields(flat: list[Any]) -> dict[Any, Any]:
    return dict(zip(map(_hashable, flat[::2]), flat[1::2], strict=True))


def _shards(reader: Reader, runtime: Runtime) -> Batches:
    yield [runtime.shard_id()]


def _hashable(text: Any) -> Any:
    return bytes(text) if isinstance(text, bytearray) else text


def close(batches: Iterator[Any]) -> None:
    """Let a generator end what it is in the middle of."""
    end = getattr(batches, "close", None)
    if end is not None:
        end()


_READERS: dict[str, Callable[[Reader, Runtime], Batches]] = {
    "KeysOnlyReader": keys_only,
    "StreamReader": _stream,
    "ShardsIDReader": _shards,
}
