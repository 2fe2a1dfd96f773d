"""What a run is told on its command line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How much to measure, and how often."""

    rows: int = 1_000_000
    repeat: int = 3
    peer_repeat: int = 3
    patience: float = 0
    seed: int = 20_260_101
    server: str = "valkey91"
