"""What a scan or a write has done: the counts that a person checks."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from itertools import islice

import polars as pl

from gearframe.exceptions import WriteError

_COMMANDS = {
    "scan": "SCAN",
    "hmget": "HMGET",
    "hgetall": "HGETALL",
    "mget": "MGET",
    "pttl": "PTTL",
    "key_type": "TYPE",
    "sample": "HLEN/HGETALL (sample)",
    "transaction": "MULTI/EXEC",
    "del": "DEL",
    "hset": "HSET",
    "hsetex": "HSETEX",
    "hpexpire": "HPEXPIRE",
    "set": "SET",
    "append": "APPEND",
    "json_set": "JSON.SET",
    "json_merge": "JSON.MERGE",
    "pexpire": "PEXPIRE",
    "exists": "EXISTS",
    "watch": "WATCH/UNWATCH",
    "unlink": "UNLINK",
    "rename": "RENAME/RENAMENX",
    "persist": "PERSIST",
    "eval": "EVAL",
    "sadd": "SADD",
    "rpush": "RPUSH",
    "zadd": "ZADD",
    "xadd": "XADD",
    "ts_create": "TS.CREATE",
    "ts_madd": "TS.MADD",
    "hpttl": "HPTTL",
    "srandmember": "SRANDMEMBER",
    "sscan": "SSCAN",
    "hscan": "HSCAN",
    "zscan": "ZSCAN",
    "lrange": "LRANGE",
    "zrange": "ZRANGE",
    "xrange": "XRANGE",
    "xrevrange": "XREVRANGE",
    "json_get": "JSON.GET",
    "json_objkeys": "JSON.OBJKEYS (sample)",
    "ts_range": "TS.RANGE",
    "ts_info": "TS.INFO",
    "ts_queryindex": "TS.QUERYINDEX",
    "vrandmember": "VRANDMEMBER",
    "vrange": "VRANGE",
    "vemb": "VEMB",
    "length": "LLEN/ZCARD/… (lengths)",
    "object": "OBJECT",
    "memory_usage": "MEMORY USAGE",
}
_SHOWN_FAILURES = 3


@dataclass(frozen=True, kw_only=True)
class ScanReport:
    """What one run of a scan has done.

    For a run that went to its end, ``keys_seen`` is the sum of ``keys_read``, ``keys_empty``,
    ``keys_vanished`` and ``keys_of_other_type``.

    Attributes
    ----------
    keys_seen : int
        Distinct keys that SCAN returned, or that were asked for by name.
    keys_repeated : int
        Times that SCAN returned a key again; they are left out.
    keys_vanished : int
        Keys that were gone when they were fetched.
    keys_of_other_type : int
        Keys that hold another type than the one asked for.
    keys_read : int
        Keys that were read, with at least one element.
    keys_empty : int
        Keys with nothing in the range asked for, such as a stream without entries; a key with a
        range that is gone by then counts here too.
    elements_vanished : int
        Members of vector sets that were gone when their vectors were fetched; they are left out.
    keys_changed : int
        Keys that changed while they were read in pieces (``on_change="keep"``).
    rows : int
        Rows read, before the rest of the predicate was applied.
    rows_skipped : int
        Rows left out for a value that does not fit (``on_error="skip"``).
    values_nulled : int
        Values replaced by null because they do not fit (``on_error="null"``).
    rows_out : int
        Rows handed to Polars.
    bytes_read, bytes_written : int
        Bytes received and sent.
    batches : int
        Record batches decoded.
    finished : bool
        Whether the scan went to its end. A query that needs only a few rows stops it early.
    seconds : float
        From the start of the scan to its last batch.
    commands : dict of str to int
        How many of each command were sent.

    Examples
    --------
    >>> client = gf.connect()
    >>> lf = gf.scan_strings(client, "nothing:*")
    >>> rows = lf.collect().height
    >>> [report] = gf.reports(lf)
    >>> report.keys_seen, report.finished, report.commands["SCAN"]
    (0, True, 1)
    """

    keys_seen: int = 0
    keys_repeated: int = 0
    keys_vanished: int = 0
    keys_of_other_type: int = 0
    keys_read: int = 0
    keys_empty: int = 0
    elements_vanished: int = 0
    keys_changed: int = 0
    rows: int = 0
    rows_skipped: int = 0
    values_nulled: int = 0
    rows_out: int = 0
    bytes_read: int = 0
    bytes_written: int = 0
    batches: int = 0
    finished: bool = False
    seconds: float = 0.0
    commands: dict[str, int] = field(default_factory=dict)

    @classmethod
    def from_counters(
        cls,
        counters: dict[str, int],
        *,
        row_a_key: bool,
        rows_out: int,
        finished: bool,
        seconds: float,
    ) -> ScanReport:
        """Make a report of the native part's counters; a row may be a whole key."""
        names = {each.name for each in fields(cls)}
        commands = {_COMMANDS[name]: n for name, n in counters.items() if name in _COMMANDS and n}
        counts = {name: n for name, n in counters.items() if name in names}
        if row_a_key:
            counts["keys_read"] = counts["rows"] + counts["rows_skipped"]
        return cls(
            **counts, rows_out=rows_out, finished=finished, seconds=seconds, commands=commands
        )

    def __str__(self) -> str:
        """Give the counts that are not zero, in one line."""
        names = (
            "keys_seen", "rows", "rows_out", "keys_vanished", "keys_of_other_type", "keys_empty",
            "elements_vanished", "keys_changed", "keys_repeated", "rows_skipped", "values_nulled",
        )  # fmt: skip
        shown = [
            f"{name.replace('_', ' ')} {getattr(self, name):,}"
            for name in names
            if getattr(self, name)
        ]
        shown.append(f"{self.bytes_read:,} bytes read in {self.seconds:.2f} s")
        shown.append(
            ", ".join(f"{name} x {n:,}" for name, n in self.commands.items()) or "no command"
        )
        if not self.finished:
            shown.append("stopped early")
        return "; ".join(shown)


@dataclass(frozen=True, kw_only=True)
class WriteReport:
    """What a write has done.

    Attributes
    ----------
    written : int
        Keys written.
    skipped : int
        Keys for which there was nothing to write: with ``if_exists="append"``, hashes whose
        fields are all null.
    failed : dict of bytes to str
        The keys that were not written, each with the reason.
    elements : int
        Rows written as elements of sets, lists, zsets, streams and time series: those of keys
        that were written, and with ``if_exists="append"`` those that a key took before it failed.
    bytes_written : int
        Bytes sent.
    seconds : float
        From the start of the write to its last reply.
    commands : dict of str to int
        How many of each command were sent.

    Examples
    --------
    >>> client = gf.connect()
    >>> client.execute("SET", "report:1", "somebody else's")
    b'OK'
    >>> frame = pl.DataFrame({"_key": ["report:1", "report:2"], "value": ["a", "b"]})
    >>> report = gf.write_strings(frame, client, if_exists="fail", on_failure="report")
    >>> report.written, report.failed
    (1, {b'report:1': 'exists already'})
    """

    written: int = 0
    skipped: int = 0
    failed: dict[bytes, str] = field(default_factory=dict)
    elements: int = 0
    bytes_written: int = 0
    seconds: float = 0.0
    commands: dict[str, int] = field(default_factory=dict)

    @classmethod
    def from_counters(
        cls,
        counters: dict[str, int],
        *,
        written: int,
        skipped: int,
        failed: dict[bytes, str],
        seconds: float,
    ) -> WriteReport:
        """Make a report of the native part's counters and outcome."""
        return cls(
            written=written,
            skipped=skipped,
            failed=failed,
            elements=counters["elements"],
            bytes_written=counters["bytes_written"],
            seconds=seconds,
            commands={
                _COMMANDS[name]: n for name, n in counters.items() if name in _COMMANDS and n
            },
        )

    @property
    def ok(self) -> bool:
        """Whether no key has failed."""
        return not self.failed

    def raise_for_failures(self) -> None:
        """Raise an error if a key has failed.

        Raises
        ------
        WriteError
            With this report as its ``report``.
        """
        if self.ok:
            return
        total = self.written + self.skipped + len(self.failed)
        error = WriteError(
            f"{len(self.failed):,} of {total:,} keys were not written: "
            f"{self._failures()}; see .report"
        )
        error.report = self
        raise error

    def to_frame(self) -> pl.DataFrame:
        """Give the failures as a frame.

        Returns
        -------
        polars.DataFrame
            ``key`` (Binary) and ``reason`` (String).
        """
        columns = {"key": list(self.failed), "reason": list(self.failed.values())}
        return pl.DataFrame(columns, schema={"key": pl.Binary, "reason": pl.String})

    def __str__(self) -> str:
        """Give the counts, and the first failures."""
        shown = [f"{self.written:,} keys written"]
        if self.elements:
            shown.append(f"{self.elements:,} elements")
        if self.skipped:
            shown.append(f"{self.skipped:,} skipped")
        if self.failed:
            shown.append(f"{len(self.failed):,} failed ({self._failures()})")
        shown.append(f"{self.bytes_written:,} bytes sent in {self.seconds:.2f} s")
        shown.append(", ".join(f"{name} x {n:,}" for name, n in self.commands.items()))
        return "; ".join(part for part in shown if part)

    def _failures(self) -> str:
        first = islice(self.failed.items(), _SHOWN_FAILURES)
        shown = [f"{key.decode('utf-8', 'backslashreplace')!r}: {why}" for key, why in first]
        if len(self.failed) > _SHOWN_FAILURES:
            shown.append("…")
        return "; ".join(shown)
