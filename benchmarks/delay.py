"""A socket in front of a server that delays each direction and does not limit what passes.

``python -m benchmarks.delay SERVER_SOCKET NEW_SOCKET SECONDS`` listens until it is ended. A process
of its own, so that it does not take the interpreter from who is measured. Every chunk leaves so
long after it has come, whatever is waiting before it: unlike a pause before each chunk, which
would also make a slow line of it.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue

_CHUNK = 1 << 18

Chunks = SimpleQueue[tuple[float, bytes]]


@contextmanager
def delayed(server: Path, seconds: float) -> Iterator[Path]:
    """Give the path of a socket that is so far from the server, each way."""
    path = server.with_name("delayed")
    command = [sys.executable, "-m", "benchmarks.delay", str(server), str(path), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            if not process.stdout.readline():
                raise RuntimeError(f"{' '.join(command)} did not start")
            yield path
        finally:
            process.terminate()


def _listen(server: str, path: str, seconds: float) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        print("listening", flush=True)
        while True:
            near, _ = listener.accept()
            far = socket.socket(socket.AF_UNIX)
            far.connect(server)
            for source, target in ((near, far), (far, near)):
                chunks: Chunks = SimpleQueue()
                for work in (_receive, _send):
                    place = source if work is _receive else target
                    threading.Thread(target=work, args=(place, chunks, seconds)).start()


def _receive(source: socket.socket, chunks: Chunks, seconds: float) -> None:
    data = b"x"
    while data:
        try:
            data = source.recv(_CHUNK)
        except OSError:
            data = b""
        chunks.put((time.perf_counter() + seconds, data))


def _send(target: socket.socket, chunks: Chunks, seconds: float) -> None:
    while True:
        due, data = chunks.get()
        time.sleep(max(0.0, due - time.perf_counter()))
        with suppress(OSError):  # who has gone needs nothing more
            if data:
                target.sendall(data)
                continue
            target.shutdown(socket.SHUT_WR)
        return


if __name__ == "__main__":
    _listen(sys.argv[1], sys.argv[2], float(sys.argv[3]))
