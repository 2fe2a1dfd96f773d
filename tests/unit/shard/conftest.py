"""A control plane over a server in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.shard.memory_host import Plane


@pytest.fixture
def plane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plane:
    monkeypatch.chdir(tmp_path)
    return Plane()
