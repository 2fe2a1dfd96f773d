"""The commands of a scan in words, for ``explain``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gearframe.io.definition import Column, ScanDefinition

PIPELINE_KEYS = 1000
"""The most keys fetched in one pipeline."""

TYPE_NAMES: dict[str, str] = {
    "hashes": "hash",
    "fields": "hash",
    "strings": "string",
    "sets": "set",
    "lists": "list",
    "zsets": "zset",
    "streams": "stream",
    "json": "ReJSON-RL",
    "timeseries": "TSDB-TYPE",
    "vectors": "vectorset",
}
"""What TYPE answers for each kind."""


def commands_of(
    definition: ScanDefinition,
    columns: Sequence[Column],
    elements: Mapping[str, Any],
    pattern: bytes | None,
    keys: int | None,
) -> list[str]:
    """Name the commands that a run sends.

    Parameters
    ----------
    definition, columns
        The scan, and the columns that the query needs.
    elements
        Which of each key's elements.
    pattern, keys
        MATCH of SCAN, or how many keys are named.
    """
    origins = {column.origin for column in columns}
    if definition.kind == "keys":
        return _keys(definition, columns, elements, pattern, keys)
    fetches = _fetches(definition, columns, elements)
    found: list[str] = []
    if elements.get("filters"):
        found.append(_by_labels(elements["filters"], pattern, keys))
    elif pattern is not None:
        by_type = "" if fetches else f" TYPE {TYPE_NAMES[definition.kind]}"
        shown = pattern.decode("utf-8", "backslashreplace")
        found.append(f"SCAN MATCH {shown} COUNT {definition.scan_count}{by_type}")
    elif not fetches:
        found.append(f"TYPE of {keys:,} keys")
    if "ttl" in origins:
        found.append("PTTL for each key")
    timed = [
        str(column.source["field"])
        for column in columns
        if "field" in column.source and column.origin == "field_ttl"
    ]
    if timed:
        found.append(f"HPTTL FIELDS {len(timed)} {' '.join(timed)} for each key")
    return found + fetches


_FACTS = {
    "ttl": "PTTL",
    "encoding": "OBJECT ENCODING",
    "memory": "MEMORY USAGE",
    "idle": "OBJECT IDLETIME",
    "length": "STRLEN, LLEN, SCARD, ZCARD, HLEN, XLEN or VCARD",
}


def _keys(
    definition: ScanDefinition,
    columns: Sequence[Column],
    elements: Mapping[str, Any],
    pattern: bytes | None,
    keys: int | None,
) -> list[str]:
    origins = {column.origin for column in columns}
    found = [f"{keys or 0:,} keys by name"]
    if pattern is not None:
        by_type = f" TYPE {elements['type']}" if elements["type"] else ""
        shown = pattern.decode("utf-8", "backslashreplace")
        found = [f"SCAN MATCH {shown} COUNT {definition.scan_count}{by_type}"]
    if origins & {"type", "length"} or pattern is None:
        found.append("TYPE for each key")
    return found + [
        f"{command} for each key" for name, command in _FACTS.items() if name in origins
    ]


def _fetches(
    definition: ScanDefinition, columns: Sequence[Column], elements: Mapping[str, Any]
) -> list[str]:
    """Name the commands that fetch values."""
    match definition.kind:
        case "hashes":
            return _hashes(columns)
        case "strings":
            wanted = any(column.origin == "value" for column in columns)
            return [f"MGET of up to {PIPELINE_KEYS:,} keys at once"] if wanted else []
        case "sets":
            return ["SRANDMEMBER of up to 4,096 members of each key; SSCAN of larger ones"]
        case "fields":
            ttl = any(column.origin == "field_ttl" for column in columns)
            times = ["HPTTL for the fields of each key"] if ttl else []
            return [f"HSCAN of each key{_PIECES}", *times]
        case "lists":
            return [f"LRANGE of each key, {_places(elements['range'])}{_WINDOWS}"]
        case "zsets":
            return [_zsets(columns, elements)]
        case "streams":
            count = elements["count"]
            most = "" if count is None else f", {count:,} entries of each at most"
            bounds = f"{elements['start']} to {elements['end']}"
            endless = elements["end"] == "+" and count is None
            last = "; XREVRANGE for the last of a large one" if endless else ""
            pages = f"; pages of up to 4,096 entries{last}"
            return [f"XRANGE of each key from {bounds}{most}{pages}"]
        case "json":
            return _json(columns)
        case "keys":
            return []

        case "timeseries":
            return _timeseries(columns, elements)
        case "vectors":
            return _vectors(columns)


_PIECES = ": small ones at once, large ones in pieces of up to 4,096"
# How many fit into the first answer depends on their size, and on how much was read before.
_WINDOWS = "; more than fit into one answer (up to 4,096 elements) in windows under WATCH"


def _hashes(columns: Sequence[Column]) -> list[str]:
    fields = [str(column.source["field"]) for column in columns if column.origin == "field"]
    if not fields:
        return []
    names = " ".join(fields)
    return [f"HMGET {names} for each key (HGETALL where a sample shows no other fields)"]


def _json(columns: Sequence[Column]) -> list[str]:
    sources = [column.source for column in columns if column.origin == "path"]
    paths = list(dict.fromkeys(str(source["path"]) for source in sources))
    document = any(column.origin == "document" for column in columns)
    are_members = all(source["member"] is not None for source in sources)
    if document and are_members:
        return ["JSON.GET for each key"]
    if document:
        paths = list(dict.fromkeys([*paths, "$"]))
    sampled = are_members and len(paths) > 1
    instead = " (without paths where a sample shows no other members)" if sampled else ""
    return [f"JSON.GET for each key: {' '.join(paths)}{instead}"] if paths else []


def _zsets(columns: Sequence[Column], elements: Mapping[str, Any]) -> str:
    ranked = any(column.origin == "index" for column in columns)
    if elements["by"] == "score":
        low, high = elements["range"]
        below = " after ZCOUNT of those below" if ranked else ""
        return f"ZRANGE BYSCORE {low} {high} of each key{below}{_WINDOWS}"
    if list(elements["range"]) == [0, -1] and not ranked:
        return f"ZRANGE WITHSCORES of each key; ZSCAN{_PIECES[1:]}"
    return f"ZRANGE WITHSCORES of each key, {_places(elements['range'])}{_WINDOWS}"


def _places(places: Sequence[int]) -> str:
    return f"places {places[0]:,} to {places[1]:,}" if list(places) != [0, -1] else "all places"


def _by_labels(filters: Sequence[str], pattern: bytes | None, keys: int | None) -> str:
    """Say how the index of labels finds keys, and which of them are read."""
    shown = "*" if pattern is None else pattern.decode("utf-8", "backslashreplace")
    kept = f"that match {shown}" if keys is None else f"that are named ({keys:,})"
    return f"TS.QUERYINDEX {' '.join(filters)}; of its keys those {kept}"


def _timeseries(columns: Sequence[Column], elements: Mapping[str, Any]) -> list[str]:
    labels = [str(column.source["label"]) for column in columns if column.origin == "label"]
    infos = [f"TS.INFO of each key for {', '.join(labels)}"] if labels else []
    bounds = f"{elements['start']} to {elements['end']}"
    unit = "samples"
    if elements["aggregation"] is not None:
        bounds += f", AGGREGATION {elements['aggregation']} {elements['bucket']}"
        unit = "buckets"
    count = elements["count"]
    most = "" if count is None else f", {count:,} {unit} of each at most"
    return [*infos, f"TS.RANGE of each key from {bounds}{most}; pages of up to 4,096 {unit}"]


def _vectors(columns: Sequence[Column]) -> list[str]:
    members = "VRANGE of each key in pages of up to 4,096 (Redis 8.4), else VRANDMEMBER of all"
    wanted = any(column.origin == "vector" for column in columns)
    return [members, "VEMB for each member, many at once"] if wanted else [members]
