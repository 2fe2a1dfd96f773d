"""Functions whose frames are kept on a server, so that the next call only reads them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import polars as pl

from gearframe.cache.arguments import digest, name_of
from gearframe.cache.facts import cache_exists
from gearframe.cache.header import Format
from gearframe.cache.load import get_cached_dataframe, scan_cached
from gearframe.cache.store import cache_dataframe, delete_cached
from gearframe.client import Client, as_client
from gearframe.exceptions import OptionError

if TYPE_CHECKING:
    pass

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)
KeyFunction = Callable[..., str]


class CachedFunction(Generic[Frame]):
    """A function whose results are cached; made by :func:`cache` and :func:`cache_lazy`.

    Call it as the function. Two more arguments are its own: ``_cache_refresh=True`` runs the
    function and caches the result anew, ``_cache_skip=True`` runs it and leaves the cache alone.
    """

    def __init__(
        self,
        function: Callable[..., Frame],
        client: Client | str | None,
        *,
        is_lazy: bool,
        key_prefix: str,
        key_fn: KeyFunction | None,
        options: dict[str, Any],
    ) -> None:
        functools.update_wrapper(self, function)
        self._function: Callable[..., Frame] = function
        self._client, self._is_lazy = client, is_lazy
        self._key_prefix, self._key_fn, self._options = key_prefix, key_fn, options

    def __call__(
        self, *args: Any, _cache_refresh: bool = False, _cache_skip: bool = False, **kwargs: Any
    ) -> Frame:
        """Give the cached result, or run the function and cache what it returns."""
        if _cache_skip:
            return self._run(args, kwargs)
        key = self.cache_key_for(*args, **kwargs)
        client = self._server()
        read: Any = scan_cached if self._is_lazy else get_cached_dataframe
        if not _cache_refresh and (found := read(client, key)) is not None:
            return found  # type: ignore[no-any-return]
        made = self._run(args, kwargs)
        frame = made.collect() if isinstance(made, pl.LazyFrame) else made
        cache_dataframe(frame, client, key, **self._options)
        return frame.lazy() if self._is_lazy else frame  # type: ignore[return-value]

    def cache_key_for(self, *args: Any, **kwargs: Any) -> str:
        """Name the key of the result for these arguments.

        Raises
        ------
        OptionError
            If an argument is of a kind whose content is not known; the message names it.
        """
        if self._key_fn is not None:
            own = self._key_fn(*args, **kwargs)
            if not isinstance(own, str) or not own:
                raise OptionError(f"key_fn returned {own!r}; expected a text that is not empty")
            return f"{self._key_prefix}:{own}"
        return (
            f"{self._key_prefix}:{name_of(self._function)}:{digest(self._function, args, kwargs)}"
        )

    def is_cached(self, *args: Any, **kwargs: Any) -> bool:
        """Tell whether the result for these arguments is cached."""
        return cache_exists(self._server(), self.cache_key_for(*args, **kwargs))

    def invalidate(self, *args: Any, **kwargs: Any) -> bool:
        """Delete the result for these arguments; tell whether there was one."""
        return delete_cached(self._server(), self.cache_key_for(*args, **kwargs))

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        if instance is None:
            return self
        return _BoundMethod(self, instance)

    def _server(self) -> Client:
        # A URL is connected with the first call, not where the function is defined.
        self._client = as_client(self._client)
        return self._client

    def _run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Frame:
        made = self._function(*args, **kwargs)
        wanted, other = (pl.LazyFrame, "cache") if self._is_lazy else (pl.DataFrame, "cache_lazy")
        if isinstance(made, wanted):
            return made
        hint = f"; use @{other}" if isinstance(made, pl.DataFrame | pl.LazyFrame) else ""
        raise OptionError(
            f"{name_of(self._function)} returned {type(made).__name__}, and a polars "
            f"{wanted.__name__} is what can be cached{hint}"
        )


class _BoundMethod:
    """A cached method of one object: the object is the first argument."""

    def __init__(self, cached: CachedFunction[Any], instance: object) -> None:
        self._cached, self._instance = cached, instance
        for name in ("cache_key_for", "is_cached", "invalidate"):
            setattr(self, name, functools.partial(getattr(cached, name), instance))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._cached(self._instance, *args, **kwargs)


def cache(
    client: Client | str | None,
    *,
    ttl: int | timedelta | None = None,
    key_prefix: str = "gearframe:cache",
    key_fn: KeyFunction | None = None,
    format: Format = "ipc",
    compression: str | None = "zstd",
    chunk_bytes: int = 16 * 1024 * 1024,
) -> Callable[[Callable[..., pl.DataFrame]], CachedFunction[pl.DataFrame]]:
    """Keep the DataFrames that a function returns on a server.

    Parameters
    ----------
    client : Client or str
        The server, or its URL, which is connected with the first call.
    ttl, format, compression, chunk_bytes
        As for :func:`cache_dataframe`.
    key_prefix : str, default "gearframe:cache"
        What each key begins with.
    key_fn : callable, optional
        Gets the arguments, and returns the rest of the key.

    Returns
    -------
    decorator
        Makes a :class:`CachedFunction`, with ``invalidate``, ``is_cached`` and
        ``cache_key_for``, which take the arguments of the function.

    Raises
    ------
    OptionError
        When it is called: if the function returns something else than a DataFrame, or an
        argument is of a kind whose content is not known.

    Notes
    -----
    The key is made of the function's module and name and of all its arguments, with their
    defaults: numbers, texts, bytes, dates, lists, sets, mappings, dataclasses, and the content of
    DataFrames and Series (the whole content is hashed). The function's code is no part of it:
    call ``invalidate``, or change `key_prefix`, when that changes. Nor are variables that it closes
    over, so that functions made in one place share their keys, and so do functions of one name in
    two programs' ``__main__``: give each its `key_prefix`. Two callers that miss at the
    same time both run the function.

    Examples
    --------
    >>> from gearframe.cache import cache
    >>> client = gf.connect()
    >>> @cache(client, ttl=3600)
    ... def squares(n):
    ...     print("running")
    ...     return pl.DataFrame({"n": range(n)}).with_columns(square=pl.col("n") ** 2)
    >>> squares(3)["square"].to_list()
    running
    [0, 1, 4]
    >>> squares(n=3)["square"].to_list()
    [0, 1, 4]
    >>> squares.invalidate(3)
    True
    """
    options = {"ttl": ttl, "format": format, "compression": compression, "chunk_bytes": chunk_bytes}

    def decorate(function: Callable[..., pl.DataFrame]) -> CachedFunction[pl.DataFrame]:
        return CachedFunction(
            function, client, is_lazy=False, key_prefix=key_prefix, key_fn=key_fn, options=options
        )

    return decorate


def cache_lazy(
    client: Client | str | None,
    *,
    ttl: int | timedelta | None = None,
    key_prefix: str = "gearframe:cache",
    key_fn: KeyFunction | None = None,
    format: Format = "ipc",
    compression: str | None = "zstd",
    chunk_bytes: int = 16 * 1024 * 1024,
) -> Callable[[Callable[..., pl.LazyFrame]], CachedFunction[pl.LazyFrame]]:
    """Keep the results of the LazyFrames that a function returns.

    Parameters
    ----------
    client, ttl, key_prefix, key_fn, format, compression, chunk_bytes
        As for :func:`cache`.

    Returns
    -------
    decorator
        Makes a :class:`CachedFunction` that returns LazyFrames. When nothing is cached, it
        collects the query at the call; else the LazyFrame reads the cached rows when it runs, as
        :func:`scan_cached` does.

    Raises
    ------
    OptionError
        As for :func:`cache`.

    Notes
    -----
    A LazyFrame is no argument that can be told apart: give `key_fn`, or collect it.

    Examples
    --------
    >>> from gearframe.cache import cache_lazy
    >>> client = gf.connect()
    >>> @cache_lazy(client)
    ... def numbers(n):
    ...     return pl.LazyFrame({"n": range(n)})
    >>> numbers(5).filter(pl.col("n") > 3).collect().rows()
    [(4,)]
    >>> numbers(5).head(1).collect().rows()
    [(0,)]
    """
    options = {"ttl": ttl, "format": format, "compression": compression, "chunk_bytes": chunk_bytes}

    def decorate(function: Callable[..., pl.LazyFrame]) -> CachedFunction[pl.LazyFrame]:
        return CachedFunction(
            function, client, is_lazy=True, key_prefix=key_prefix, key_fn=key_fn, options=options
        )

    return decorate
