"""Redis 7.0 and Valkey 8.0 out of Debian 12's packages, unpacked and not installed.

``python -m tests.servers.debian`` puts them into ``.cache/debian``. apt fetches and verifies the
packages with lists of its own, so neither root nor the system's lists of packages are touched.
The libraries that the programs share are unpacked beside them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "debian"
KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
MIRROR = "http://deb.debian.org/debian"
SUITES = ("bookworm", "bookworm-backports")

# A server is a link of redis-server to a program of redis-tools: the name makes the difference.
PACKAGES = ("redis-tools", "redis-server", "valkey-tools", "valkey-server")
LIBRARIES = ("libatomic1", "libjemalloc2", "liblzf1")
PROGRAMS = ("redis-server", "valkey-server")

HINT = "run: python -m tests.servers.debian"


def find(program: str) -> Path | None:
    """Give the path of ``redis-server`` or ``valkey-server``, if it was unpacked."""
    path = CACHE / "usr" / "bin" / program
    return path if path.is_file() else None


def environment() -> dict[str, str]:
    """Give the variables that let the programs find their libraries."""
    folders = sorted(str(path) for path in (CACHE / "usr" / "lib").glob("*-linux-*"))
    return {"LD_LIBRARY_PATH": os.pathsep.join(folders)}


def install(folder: Path = CACHE) -> Path:
    """Fetch the servers into a folder, unless they are there."""
    if folder.is_dir():
        return folder
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise OSError(f"{tool} is not on this machine: it is no Debian, and no kin of it")
    if not KEYS.is_file():
        raise OSError(f"{KEYS} is not there: Debian's packages cannot be verified")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as work:
        unpacked = Path(work) / "unpacked"
        for package in _download(Path(work)):
            subprocess.run(["dpkg-deb", "-x", str(package), str(unpacked)], check=True)
        for program in PROGRAMS:
            if not (unpacked / "usr" / "bin" / program).is_file():
                raise OSError(f"Debian's packages have no {program} for this platform")
        unpacked.rename(folder)
    return folder


def _download(work: Path) -> list[Path]:
    downloads = work / "downloads"
    for made in (downloads, work / "lists" / "partial", work / "cache" / "archives" / "partial"):
        made.mkdir(parents=True)
    sources = [f"deb [signed-by={KEYS}] {MIRROR} {suite} main\n" for suite in SUITES]
    (work / "sources.list").write_text("".join(sources))
    (work / "status").touch()
    _apt(work, "update")
    _apt(work, "download", *PACKAGES, *LIBRARIES, cwd=downloads)
    return sorted(downloads.glob("*.deb"))


def _apt(work: Path, *arguments: str, cwd: Path | None = None) -> None:
    options = {
        "Dir::State": work,
        "Dir::State::lists": work / "lists",
        "Dir::State::status": work / "status",
        "Dir::Cache": work / "cache",
        "Dir::Etc::sourcelist": work / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Acquire::Languages": "none",
        "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
        # As root, apt would download as another user, who may not enter our folder.
        "APT::Sandbox::User": "root",
    }
    given = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    command = ["apt-get", "-q", *given, *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"apt-get {arguments[0]} failed:\n{done.stderr.strip()}")


if __name__ == "__main__":
    try:
        print(install())
    except OSError as error:
        # Other systems do without: the tests on these two servers are then skipped, and say so.
        print(f"Redis 7.0 and Valkey 8.0 cannot be had: {error}", file=sys.stderr)
