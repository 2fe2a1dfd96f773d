"""What became of a write: a number of keys, an error, or a result with every key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from gearframe.compat.polars_redis._server import Key, open_client, shown
from gearframe.exceptions import WriteError
from gearframe.io.options import as_bytes

if TYPE_CHECKING:
    import polars as pl

    from gearframe.io.report import WriteReport

IfExists: TypeAlias = Literal["replace", "fail", "append"]

# The words of the native part.
_EXISTS = "exists already"


class WriteResult:
    """What became of each key; made by `write_hashes_detailed`.

    Parameters
    ----------
    result_dict : mapping
        A value for each attribute.

    Attributes
    ----------
    keys_written, keys_failed, keys_skipped : int
        How many keys; skipped are those that exist, with ``if_exists="fail"``.
    succeeded_keys, failed_keys : list of str
        Which, with the prefix; bytes where a key is not UTF-8.
    errors : dict of str to str
        The reason for each key that has failed.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> client = gf.connect()
    >>> _ = client.execute("SET", "user:2", "a string")
    >>> users = pl.DataFrame({"_key": ["user:1", "user:2"], "name": ["Ann", "Bob"]})
    >>> result = redis.write_hashes_detailed(users, client.url, if_exists="append")
    >>> result, result.succeeded_keys, result.failed_keys
    (WriteResult(keys_written=1, keys_failed=1, keys_skipped=0), ['user:1'], ['user:2'])
    """

    def __init__(self, result_dict: Mapping[str, Any]) -> None:
        self.keys_written: int = result_dict["keys_written"]
        self.keys_failed: int = result_dict["keys_failed"]
        self.keys_skipped: int = result_dict["keys_skipped"]
        self.succeeded_keys: list[Key] = result_dict["succeeded_keys"]
        self.failed_keys: list[Key] = result_dict["failed_keys"]
        self.errors: dict[Key, str] = result_dict["errors"]

    def is_complete_success(self) -> bool:
        """Whether no key has failed."""
        return self.keys_failed == 0

    def __repr__(self) -> str:
        """Give the counts."""
        return (
            f"WriteResult(keys_written={self.keys_written}, keys_failed={self.keys_failed}, "
            f"keys_skipped={self.keys_skipped})"
        )


def count(write: Callable[..., WriteReport], df: pl.DataFrame, url: str, **options: Any) -> int:
    """Write, and give the number of keys; what was not written and does not exist is an error."""
    with open_client(url) as client:
        report = write(df, client, on_failure="report", **options)
    failed, existing = _apart(report, options["if_exists"])
    replace(report, failed=failed, skipped=report.skipped + len(existing)).raise_for_failures()
    return report.written


def result(
    write: Callable[..., WriteReport],
    df: pl.DataFrame,
    url: str,
    skipped: set[bytes],
    **options: Any,
) -> WriteResult:
    """Write, and tell of each key what became of it; ``skipped`` have nothing to be written."""
    with open_client(url) as client:
        try:
            report = write(df, client, on_failure="report", **options)
        except WriteError as error:
            if error.report is None:
                raise
            report = error.report
    failed, existing = _apart(report, options["if_exists"])
    keys = keys_of(df, options["key"], options["key_prefix"])
    succeeded = [key for key in keys if key not in report.failed and key not in skipped]
    if len(succeeded) != report.written:
        raise WriteError(
            f"the server has {report.written:,} keys and the frame {len(succeeded):,} that did "
            "not fail; see what is there before you write again"
        )
    return WriteResult(
        {
            "keys_written": report.written,
            "keys_failed": len(failed),
            "keys_skipped": report.skipped + len(existing),
            "succeeded_keys": [shown(key) for key in succeeded],
            "failed_keys": [shown(key) for key in failed],
            "errors": {shown(key): reason for key, reason in failed.items()},
        }
    )


def keys_of(df: pl.DataFrame, key: str, prefix: str) -> list[bytes]:
    """Give the keys as the server has them."""
    start = as_bytes(prefix)
    return [start + as_bytes(name) for name in df.get_column(key).to_list()]


def _apart(report: WriteReport, if_exists: str) -> tuple[dict[bytes, str], list[bytes]]:
    """Tell the keys that failed from those that were left alone because they exist."""
    if if_exists != "fail":
        return dict(report.failed), []
    existing = [key for key, reason in report.failed.items() if reason == _EXISTS]
    failed = {key: why for key, why in report.failed.items() if why != _EXISTS}
    return failed, existing
