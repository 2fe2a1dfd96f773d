"""A look at some keys: what a scan needs that nobody has said."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import polars as pl

from gearframe.exceptions import OptionError, ProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gearframe.client import Client

SAMPLED_KEYS = 100
_MOST_FIELDS = 500


def sample_fields(client: Client, pattern: str | bytes) -> tuple[int, dict[str, pl.DataType]]:
    """Look which fields hashes have.

    Parameters
    ----------
    client : Client
        The server.
    pattern : str or bytes
        Redis' glob pattern for the keys.

    Returns
    -------
    tuple of int and dict
        How many hashes were looked at, and their fields in the order of first sight, each as
        text.

    Raises
    ------
    OptionError
        If there are too many fields to be columns, or one is not UTF-8.

    Notes
    -----
    Sends ``SCAN … TYPE hash`` until it has 100 keys, and for each ``HLEN`` and ``HKEYS``.
    """
    fields: dict[str, pl.DataType] = {}
    count = 0
    for key in sample_keys(client, pattern, "hash"):
        count += 1
        for field in _fields_of(client, key):
            fields[_as_text(field)] = pl.String()
        if len(fields) > _MOST_FIELDS:
            raise OptionError(_too_many(f"{count} hashes have over {_MOST_FIELDS:,} fields"))
    return count, fields


def sample_keys(
    client: Client, pattern: str | bytes, type_name: str | None, *, calls: int | None = None
) -> Iterator[bytes]:
    """Give up to 100 keys, in the order of SCAN.

    Parameters
    ----------
    client : Client
        The server.
    pattern : str or bytes
        Redis' glob pattern.
    type_name : str or None
        Only keys of this type, as ``TYPE`` names it.
    calls : int, optional
        Give up after so many SCANs; all keys are looked at if not given.

    Yields
    ------
    bytes
    """
    seen: set[bytes] = set()
    cursor = b"0"
    of_type = () if type_name is None else ("TYPE", type_name)
    while calls is None or calls > 0:
        calls = None if calls is None else calls - 1
        reply = client.execute("SCAN", cursor, "MATCH", pattern, "COUNT", 1000, *of_type)
        match reply:
            case [bytes() as cursor, [*keys]]:
                for key in keys:
                    if not isinstance(key, bytes) or key in seen:
                        continue  # SCAN may return a key again
                    seen.add(key)
                    yield key
                    if len(seen) == SAMPLED_KEYS:
                        return
            case _:
                raise ProtocolError(f"SCAN must be answered with a cursor and keys, not {reply!r}")
        if cursor == b"0":
            return


def sample_types(client: Client, pattern: str | bytes) -> Counter[str]:
    """Count the types of some keys that match.

    Notes
    -----
    Sends at most ten ``SCAN COUNT 1000``, and ``TYPE`` for each of up to 100 keys.
    """
    counts: Counter[str] = Counter()
    for key in sample_keys(client, pattern, None, calls=10):
        reply = client.execute("TYPE", key)
        if not isinstance(reply, bytes):
            raise ProtocolError(f"TYPE must be answered with a name, not {reply!r}")
        if reply != b"none":  # it has vanished
            counts[reply.decode("utf-8", "backslashreplace")] += 1
    return counts


def _fields_of(client: Client, key: bytes) -> list[bytes]:
    # A hash can have millions of fields, which would stall the server; its length is cheap.
    length = client.execute("HLEN", key)
    if isinstance(length, int) and length > _MOST_FIELDS:
        name = key.decode("utf-8", "backslashreplace")
        raise OptionError(_too_many(f"the hash {name!r} has {length:,} fields"))
    match client.execute("HKEYS", key):
        case [*fields]:
            return [field for field in fields if isinstance(field, bytes)]
        case reply:
            raise ProtocolError(f"HKEYS must be answered with fields, not {reply!r}")


def _as_text(field: bytes) -> str:
    try:
        return field.decode()
    except UnicodeDecodeError:
        raise OptionError(
            f"the field {field!r} is not UTF-8 and cannot be a column; name others with --schema"
        ) from None


def _too_many(what: str) -> str:
    return f"{what}, which are too many for columns; name those you want with --schema"
