"""Frames kept on a server under a key, and functions whose results are kept so."""

from gearframe.cache.decorator import CachedFunction, cache, cache_lazy
from gearframe.cache.facts import CacheInfo, cache_exists, cache_info, cache_ttl
from gearframe.cache.load import get_cached_dataframe, scan_cached
from gearframe.cache.store import cache_dataframe, delete_cached

__all__ = [
    "CacheInfo",
    "CachedFunction",
    "cache",
    "cache_dataframe",
    "cache_exists",
    "cache_info",
    "cache_lazy",
    "cache_ttl",
    "delete_cached",
    "get_cached_dataframe",
    "scan_cached",
]
