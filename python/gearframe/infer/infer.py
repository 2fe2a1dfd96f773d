"""``infer_schema``: sample, read, judge."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, get_args

from gearframe.client import Client, as_client
from gearframe.control import redis_client, server_errors
from gearframe.exceptions import OptionError
from gearframe.infer.columns import document_columns, text_columns
from gearframe.infer.fetch import TYPE_NAMES, Kind, Rows, fetch, types_of
from gearframe.infer.result import InferredSchema
from gearframe.infer.sampling import KeySample, sample_named, sample_pattern
from gearframe.io.definition import ROWS_COLUMN
from gearframe.io.options import as_bytes, check_whole

if TYPE_CHECKING:
    import redis

_RESERVED = {
    "hashes": {"_key", "_ttl"},
    "json": {"_key", "_ttl"},
    "strings": {"_key", "_ttl"},
    "streams": {"_key", "_ttl", "_id", "_ts", "_seq"},
}


def infer_schema(
    client: Client | str | None,
    pattern: str | bytes = "*",
    kind: Kind | None = None,
    *,
    sample: int = 1000,
    seed: int | None = None,
    keys: Iterable[str | bytes] | None = None,
    reserved: Collection[str] | None = None,
) -> InferredSchema:
    """Infer a schema from a random sample of keys.

    A dtype is given only if it takes every value of the sample, judged by the grammar that scans
    use, and gives every text back as it was: one counter-example makes a column String.

    Parameters
    ----------
    client : Client or str or None
        A client, or a URL such as ``"redis://localhost:6379/0"``. None starts a new embedded
        server, which is empty.
    pattern : str or bytes, default "*"
        Redis' glob pattern for the keys.
    kind : {"hashes", "json", "strings", "streams"}, optional
        The type of the keys; the commonest among the sampled keys if not given, and the result
        says what was left out.
    sample : int, default 1,000
        How many keys to look at. Reading ends early after 64 MiB of values.
    seed : int, optional
        From 0 to 2**64 - 1: chooses the same sample again, as long as the keys are the same and,
        where not all names are read, the server's table. Random if not given; the result has it.
    keys : iterable of str or bytes, optional
        Sample these keys instead of those that match the pattern; no SCAN is sent.
    reserved : collection of str, optional
        Names that no column may have: those that a scan adds itself, such as ``_key``, if not
        given.

    Returns
    -------
    InferredSchema
        ``.schema`` is what scans take; ``print(...)`` shows the evidence. Without any key it has
        no columns.

    Raises
    ------
    OptionError
        For an argument that cannot be used.
    ServerConnectionError, ReplyError
        If the server cannot be reached, or refuses a command.

    Notes
    -----
    What each dtype takes: Boolean ``true`` and ``false``, not ``1`` and ``0``, which are Int64;
    Int64, or UInt64, Int128 or UInt128 for larger numbers; Float64 numbers of which one has a
    fraction or an exponent, with ``nan`` and ``inf`` beside them; Date; Datetime without a zone
    where no text has an offset, in UTC where all have one; List and Struct where all texts are
    JSON arrays or objects of one shape; Binary where a text is not UTF-8. Leading zeros, plus
    signs, empty texts, numbers that a Float64 would change, and every mixture are String.
    Of documents the members are columns; one that no dtype takes, such as a number here and a
    text there, is left out, and the result says so.

    Sends ``DBSIZE`` and ``SCAN``: up to 20,000 keys (or eight times the sample) all names with
    COUNT 1000, above that pages of COUNT 256 from random cursors, eight in a round trip, until
    there are enough keys; if too few match for that, all names. Then, for up to 250 keys in a round
    trip: ``TYPE`` if ``kind`` is not given; ``HLEN`` and ``HGETALL``, above 1,000 fields ``HSCAN``
    and ``HMGET``; ``JSON.GET``; ``STRLEN`` and ``GET`` up to 4 MiB; ``XLEN``, ``XRANGE`` and
    ``XREVRANGE`` for some entries of both ends and of four places between.

    Examples
    --------
    >>> client = gf.connect()
    >>> for i in range(3):
    ...     _ = client.execute("HSET", f"user:{i}", "age", i, "zip", f"0100{i}")
    >>> print(gf.infer_schema(client, "user:*", seed=1))
    hashes user:*: 3 keys, all that there are
    column  dtype   present  parses  confidence  examples
    age     Int64   100 %    100 %   100 %       0, 1, 2
    zip     String  100 %    100 %   100 %       01000, 01001, 01002
    """
    check_whole("sample", sample, least=1)
    seed = _seed(seed)
    if kind is not None and kind not in get_args(Kind):
        raise OptionError(f"kind is {kind!r}; expected one of {', '.join(get_args(Kind))}, or None")
    is_ours = not isinstance(client, Client)
    found = as_client(client)
    try:
        names = _names(keys)
        # RESP2: every reply has one form on all servers.
        with (
            redis_client(found, protocol=2) as control,
            server_errors(found.options.label),
        ):
            control.response_callbacks.clear()
            type_name = None if kind is None else TYPE_NAMES[kind]
            if names is not None:
                chosen = sample_named(names, sample, seed)
            else:
                chosen = sample_pattern(found, control, as_bytes(pattern), type_name, sample, seed)
            left_out: Counter[str] = Counter()
            if kind is None:
                kind, chosen, left_out = _commonest(control, chosen)
            rows = Rows() if kind is None else fetch(control, kind, chosen, sample, seed)
    finally:
        if is_ours:
            found.close()
    is_complete = chosen.is_all and not rows.partial and not rows.left_out.total()
    rows.left_out.update(left_out)
    return _judged(kind, pattern, rows, reserved, is_complete=is_complete, seed=seed)


def _judged(
    kind: Kind | None,
    pattern: str | bytes,
    rows: Rows,
    reserved: Collection[str] | None,
    *,
    is_complete: bool,
    seed: int,
) -> InferredSchema:
    names = {ROWS_COLUMN, *(_RESERVED.get(kind or "hashes", ()) if reserved is None else reserved)}
    if kind == "strings":
        names = set()
    make = document_columns if kind == "json" else text_columns
    columns, omitted, evidence = make(rows, names, is_complete=is_complete)
    if rows.too_many:
        omitted[f"{rows.too_many:,} other fields"] = "are rarer than 1,000 others"
    return InferredSchema(
        kind=kind,
        pattern=pattern,
        columns=tuple(columns),
        sampled_keys=rows.keys,
        rows=len(rows.rows),
        partial_keys=rows.partial,
        is_complete=is_complete,
        left_out={what: count for what, count in rows.left_out.items() if count},
        omitted=omitted,
        seed=seed,
        evidence=evidence,
    )


def _commonest(
    control: redis.Redis, sample: KeySample
) -> tuple[Kind | None, KeySample, Counter[str]]:
    """Choose the kind that most keys are of, and take these."""
    types = types_of(control, sample.keys)
    counts = Counter(types)
    kinds: list[Kind] = sorted(get_args(Kind), key=lambda kind: -counts[TYPE_NAMES[kind]])
    wanted = TYPE_NAMES[kinds[0]]
    left_out = Counter({f"of type {name}": n for name, n in counts.items() if name != wanted})
    keys = [key for key, name in zip(sample.keys, types, strict=True) if name == wanted]
    chosen = KeySample(tuple(keys), sample.is_all)
    return (kinds[0] if keys else None), chosen, left_out


def _seed(seed: int | None) -> int:
    if seed is None:
        return secrets.randbits(32)
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**64:
        raise OptionError(f"seed is {seed!r}; expected a whole number from 0 to 2**64 - 1, or None")
    return seed


def _names(keys: Iterable[str | bytes] | None) -> list[bytes] | None:
    if keys is None:
        return None
    if isinstance(keys, str | bytes):
        raise OptionError(f"keys is {keys!r}; expected a list of keys: [{keys!r}]")
    return [as_bytes(key) for key in keys]
