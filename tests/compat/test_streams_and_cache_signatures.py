"""Streams, replication and cache can be called as polars-redis 0.1.8 could."""

from __future__ import annotations

import inspect
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

import pytest

from gearframe.compat import polars_redis as shim

IDS = (
    "include_id=True, id_column='_id', include_timestamp=True, timestamp_column='_ts', "
    "include_sequence=False, sequence_column='_seq'"
)
CACHE = (
    "url, *, ttl=None, key_prefix='polars_redis:cache', key_fn=None, format='ipc', "
    "compression=None, chunk_size_mb=None"
)
MULTI = "df, destinations, key_column='_key', ttl=None, if_exists='replace'"

OF_THE_PREDECESSOR = {
    "cache_dataframe": "df, url, key, *, format='ipc', compression=None, compression_level=None, "
    "ttl=None, chunk_size_mb=None",
    "get_cached_dataframe": "url, key, *, format=None, columns=None, n_rows=None",
    "scan_cached": "url, key, *, format=None",
    "delete_cached": "url, key",
    "cache_exists": "url, key",
    "cache_ttl": "url, key",
    "cache_info": "url, key",
    "cache": CACHE,
    "cache_lazy": CACHE,
    "read_stream": "url, stream, *, schema=None, start_id='-', end_id='+', count=None, "
    f"block_ms=None, group=None, consumer=None, auto_ack=False, create_group=True, {IDS}",
    "scan_stream": "url, stream, *, schema=None, start_id='-', end_id='+', count=None, " + IDS,
    "iter_stream": "url, stream, *, schema=None, batch_size=100, block_ms=1000, group=None, "
    f"consumer=None, auto_ack=False, create_group=True, start_id=None, {IDS}",
    "iter_stream_async": "url, stream, *, schema=None, batch_size=100, batch_timeout_ms=1000, "
    f"group=None, consumer=None, auto_ack=False, create_group=True, start_id=None, {IDS}",
    "ack_entries": "url, stream, group, entry_ids",
    "StreamConsumer": "url, stream, group, consumer, *, checkpoint_store=None, batch_size=100, "
    "batch_timeout_ms=1000, auto_ack=True, auto_checkpoint=True, schema=None, "
    f"{IDS}, handle_signals=True",
    "MemoryCheckpointStore": "",
    "FileCheckpointStore": "path",
    "RedisCheckpointStore": "url, key_prefix='checkpoint:'",
    "ReplicationPipeline": "source_url, stream, group, consumer, *, checkpoint_store=None, "
    "batch_size=1000, batch_timeout_ms=100, auto_ack=True, handle_signals=True, schema=None",
    "ReplicationDestination": "url, name=None, filter=None, key_column='key', key_prefix='', "
    "transform=None, write_type='hash', timeout_ms=30000",
    "Destination": "url, name=None, key_prefix='', transform=None, timeout_ms=30000",
    "MultiWriteResult": "results=…",
    "BatchResult": "source_entries, destination_results, duration_ms",
    "write_hashes_multi": MULTI,
    "write_json_multi": MULTI,
}

# These have more at their end now.
LONGER = {
    "DestinationResult": "destination, keys_written=0, keys_failed=0, success=True, error=None, "
    "duration_ms=0.0",
    "ConsumerStats": "batches_processed=0, entries_processed=0",
    "ReplicationStats": "batches_processed=0, source_entries_read=0, total_keys_written=0, "
    "total_keys_failed=0, per_destination_written=…, per_destination_failed=…",
}

METHODS = {
    "StreamConsumer": "stats commit rollback ack request_shutdown",
    "CheckpointStore": "get set delete",
    "RedisCheckpointStore": "get set delete close",
    "ConsumerStats": "last_entry_id uptime_seconds entries_per_second",
    "ReplicationPipeline": "stats add_destination request_shutdown run run_once",
    "ReplicationStats": "uptime_seconds entries_per_second last_batch_time",
    "BatchResult": "all_succeeded",
    "MultiWriteResult": "total_keys_written total_keys_failed all_succeeded failed_destinations",
}


def described(thing: Any) -> str:
    if is_dataclass(thing):
        return ", ".join(each.name + default_of(each) for each in fields(thing))
    words = []
    for each in inspect.signature(thing).parameters.values():
        if each.kind is each.KEYWORD_ONLY and "*" not in words:
            words.append("*")
        words.append(each.name + ("" if each.default is each.empty else f"={each.default!r}"))
    return ", ".join(words)


def default_of(field: Any) -> str:
    if field.default_factory is not MISSING:
        return "=…"
    return "" if field.default is MISSING else f"={field.default!r}"


@pytest.mark.parametrize("name", OF_THE_PREDECESSOR)
def test_signature(name: str) -> None:
    assert described(getattr(shim, name)) == OF_THE_PREDECESSOR[name]


@pytest.mark.parametrize("name", LONGER)
def test_what_is_longer_begins_the_same(name: str) -> None:
    assert described(getattr(shim, name)).startswith(LONGER[name])


@pytest.mark.parametrize("name", METHODS)
def test_methods(name: str) -> None:
    assert [each for each in METHODS[name].split() if not hasattr(getattr(shim, name), each)] == []
