"""Where and with what a run was made."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

import gearframe
from gearframe import _native

_PACKAGES = ("gearframe", "polars", "redis", "hiredis", "pyarrow")


def describe(server: str, seed: int, repeat: int) -> dict[str, str]:
    """Name machine, versions and seed."""
    facts = {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "load at start": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        "server": server,
        "python": platform.python_version(),
        "gearframe built from": _revision(Path(gearframe.__file__).parent),
        "gearframe binary": _digest(Path(_native.__file__)),
        "seed": str(seed),
        "repeats": f"{repeat}, alternating; medians",
    }
    return facts | {name: _version(name) for name in _PACKAGES}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _digest(file: Path) -> str:
    """Tell builds apart: an installed binary can be older or newer than the sources beside it."""
    return f"sha256 {hashlib.sha256(file.read_bytes()).hexdigest()[:16]}"


def _revision(folder: Path) -> str:
    command = ["git", "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()
