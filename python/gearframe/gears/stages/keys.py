"""Keys of records, as extractors give them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from gearframe.exceptions import GearsError
from gearframe.gears.stages.context import FAILED, Context, without_failed


def keys_of(
    extractor: Callable[[Any], Any] | None, records: list[Any], context: Context
) -> tuple[list[str], list[Any]]:
    """The key of each record, without those for which the extractor failed.

    What is no str becomes one by ``repr``; two keys are the same when their texts are.
    """
    keys = records if extractor is None else context.call(extractor, records)
    if set(map(type, keys)) != {str}:
        keys = context.call(_text, keys)
        keys, records = without_failed(keys, records)
    return keys, records


def _text(key: Any) -> Any:
    if isinstance(key, str):
        return str.__str__(key)
    if key is FAILED:
        return FAILED
    if isinstance(key, Coroutine):
        key.close()
        raise GearsError("coroutine are not allow on extractor/reduce")
    return repr(key)
