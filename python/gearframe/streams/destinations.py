"""Writing one frame to several servers, and saying of each key whether it has arrived."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import polars as pl

from gearframe.client import Client, as_client
from gearframe.exceptions import GearframeError, OptionError

if TYPE_CHECKING:
    from gearframe.io.report import WriteReport

Transform: TypeAlias = Callable[[pl.DataFrame], pl.DataFrame]
Kind: TypeAlias = Literal["hashes", "json"]


@dataclass(kw_only=True)
class Destination:
    """A server to write to.

    Attributes
    ----------
    client : Client or str
        The server, or its URL; connected when first needed.
    name : str, optional
        For messages; without it the server's address.
    key_prefix : str or bytes, default ""
        What stands before each key.
    transform : callable, optional
        Gets the frame, and gives the one to be written here.

    Examples
    --------
    >>> from gearframe.streams import Destination, write_hashes_multi
    >>> frame = pl.DataFrame({"_key": ["user:1"], "name": ["Ann"]})
    >>> here, there = gf.connect(), gf.connect()
    >>> found = write_hashes_multi(frame, [Destination(client=here), Destination(client=there)])
    >>> found.all_succeeded, there.execute("HGET", "user:1", "name")
    (True, b'Ann')
    """

    client: Client | str = field(repr=False)  # a URL may have a password
    name: str | None = None
    key_prefix: str | bytes = ""
    transform: Transform | None = None

    @property
    def label(self) -> str:
        """The name, or the address."""
        if self.name is not None:
            return self.name
        return self.client.options.label if isinstance(self.client, Client) else "a destination"

    def open(self) -> Client:
        """Give the client; a URL is connected once."""
        self.client = as_client(self.client)
        return self.client


@dataclass
class DestinationResult:
    """What became of a frame at one destination.

    Attributes
    ----------
    destination : Destination
        The destination.
    keys_written, keys_failed : int
        How many keys.
    success : bool
        Whether every key was written.
    error : str or None
        Why not, with the first keys.
    duration_ms : float
        From the start to the last reply.
    failed : dict of bytes to str
        The keys that were not written, each with the reason.
    cause : GearframeError or None
        The error that stopped the whole write.
    """

    destination: Any
    keys_written: int = 0
    keys_failed: int = 0
    success: bool = True
    error: str | None = None
    duration_ms: float = 0.0
    failed: dict[bytes, str] = field(default_factory=dict)
    cause: GearframeError | None = None


@dataclass
class MultiWriteResult:
    """What became of a frame at all destinations."""

    results: list[DestinationResult] = field(default_factory=list)

    @property
    def total_keys_written(self) -> int:
        """Keys written, summed over the destinations."""
        return sum(result.keys_written for result in self.results)

    @property
    def total_keys_failed(self) -> int:
        """Keys that were not written, summed over the destinations."""
        return sum(result.keys_failed for result in self.results)

    @property
    def all_succeeded(self) -> bool:
        """Whether every key has arrived everywhere."""
        return all(result.success for result in self.results)

    @property
    def failed_destinations(self) -> list[DestinationResult]:
        """The results of the destinations that lack a key."""
        return [result for result in self.results if not result.success]


def write_hashes_multi(
    frame: pl.DataFrame,
    destinations: Sequence[Destination | Mapping[str, Any]],
    *,
    key: str = "_key",
    **options: Any,
) -> MultiWriteResult:
    """Write a frame as hashes to several servers at the same time.

    Parameters
    ----------
    frame : polars.DataFrame
        As for ``write_hashes``.
    destinations : sequence of Destination or mapping
        Where to; a mapping has the names of a :class:`Destination`.
    key : str, default "_key"
        The column of keys.
    **options
        ``ttl``, ``if_exists``, ``columns`` and so on, as for ``write_hashes``.

    Returns
    -------
    MultiWriteResult
        One result for each destination, in their order. A destination that fails does not stop
        the others, and raises nothing: look at ``all_succeeded``.

    Raises
    ------
    OptionError
        If `destinations` is empty, or holds something else.

    Notes
    -----
    One thread for each destination; commands as of ``write_hashes`` on each.

    Examples
    --------
    >>> from gearframe.streams import write_hashes_multi
    >>> frame = pl.DataFrame({"_key": ["user:1"], "name": ["Ann"]})
    >>> with gf.connect() as one, gf.connect() as two:
    ...     found = write_hashes_multi(frame, [{"client": one}, {"client": two}])
    >>> found.total_keys_written
    2
    """
    return _write_multi("hashes", frame, destinations, key, options)


def write_json_multi(
    frame: pl.DataFrame,
    destinations: Sequence[Destination | Mapping[str, Any]],
    *,
    key: str = "_key",
    **options: Any,
) -> MultiWriteResult:
    """Write a frame as JSON documents to several servers at the same time.

    Parameters
    ----------
    frame, destinations, key, **options
        As for :func:`write_hashes_multi`, with the options of ``write_json``.

    Returns
    -------
    MultiWriteResult
        As for :func:`write_hashes_multi`.

    Notes
    -----
    Commands as of ``write_json`` on each server.
    """
    return _write_multi("json", frame, destinations, key, options)


def write_to(
    destination: Any, client: Client, kind: Kind, frame: pl.DataFrame, **options: Any
) -> DestinationResult:
    """Write a frame to one destination; errors of gearframe become a result."""
    started = time.monotonic()
    result = DestinationResult(destination)
    try:
        write = getattr(client, f"write_{kind}")
        report: WriteReport = write(frame, on_failure="report", **options)
    except GearframeError as error:
        report_of = getattr(error, "report", None)
        result.keys_written = 0 if report_of is None else report_of.written
        result.keys_failed = frame.height - result.keys_written
        result.failed = {} if report_of is None else report_of.failed
        result.error, result.cause, result.success = str(error), error, False
    else:
        result.keys_written, result.keys_failed = report.written, len(report.failed)
        result.failed, result.success = report.failed, report.ok
        result.error = None if report.ok else shown_failures(report.failed)
    result.duration_ms = (time.monotonic() - started) * 1000
    return result


def shown_failures(failed: dict[bytes, str]) -> str:
    """Name the first keys that failed, and why."""
    first = list(failed.items())[:5]
    shown = [f"{key.decode('utf-8', 'backslashreplace')!r}: {why}" for key, why in first]
    return "; ".join(shown) + ("; …" if len(failed) > len(first) else "")


def _write_multi(
    kind: Kind,
    frame: pl.DataFrame,
    destinations: Sequence[Destination | Mapping[str, Any]],
    key: str,
    options: dict[str, Any],
) -> MultiWriteResult:
    wanted = [_destination(each) for each in destinations]
    if not wanted:
        raise OptionError("destinations is empty; give one at least")

    def write(each: Destination) -> DestinationResult:
        try:
            client = each.open()
        except GearframeError as error:
            result = DestinationResult(each, 0, frame.height, False, str(error))
            result.cause = error
            return result
        here = frame if each.transform is None else each.transform(frame)
        return write_to(each, client, kind, here, key=key, key_prefix=each.key_prefix, **options)

    with ThreadPoolExecutor(len(wanted)) as pool:
        return MultiWriteResult(list(pool.map(write, wanted)))


def _destination(given: object) -> Destination:
    if isinstance(given, Destination):
        return given
    if isinstance(given, Mapping):
        try:
            return Destination(**given)
        except TypeError as error:
            raise OptionError(f"a destination: {error}") from None
    raise OptionError(f"a destination is a Destination or a mapping, not {type(given).__name__}")
