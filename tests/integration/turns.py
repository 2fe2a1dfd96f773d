"""How often a loop of asyncio turns: the proof that tasks sleep, on a machine of any speed."""

from __future__ import annotations

import selectors
from typing import Any


class CountingSelector(selectors.DefaultSelector):
    """Count the turns of the loop that has it."""

    turns = 0

    def select(self, timeout: float | None = None) -> Any:
        self.turns += 1
        return super().select(timeout)
