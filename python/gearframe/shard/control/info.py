"""What INFO shows of gears; the server prints it without asking Python."""

from __future__ import annotations

from gearframe.shard.control.executions import Executions
from gearframe.shard.control.hosting import Host
from gearframe.shard.control.requirements import Requirements
from gearframe.shard.control.sessions import Sessions
from gearframe.shard.control.workers import Workers

Fields = dict[str, int | str]


class Info:
    """Tells the host what has changed, and only that."""

    def __init__(
        self,
        host: Host,
        executions: Executions,
        sessions: Sessions,
        requirements: Requirements,
        workers: Workers,
    ) -> None:
        self._host = host
        self._executions, self._sessions = executions, sessions
        self._requirements, self._workers = requirements, workers
        self._told: dict[str, Fields] = {}

    def update(self) -> None:
        """Set the sections that differ from what was told last."""
        for section, fields in self._sections().items():
            if self._told.get(section) != fields:
                self._told[section] = fields
                self._host.info_set(section, fields)

    def _sections(self) -> dict[str, Fields]:
        return {
            "gears": {
                "nexecutions": len(self._executions),
                "nregistrations": 0,
                "result_bytes": self._executions.result_bytes,
            },
            "python_requirements": {"nrequirements": len(self._requirements)},
            "python_sessions": {
                "nsessions": len(self._sessions),
                "ndead_sessions": self._sessions.dead_count,
                "nworkers": len(self._workers),
            },
        }


def statistics(host: Host) -> Fields:
    """Give the memory that Python has from the server, as RG.PYSTATS names it."""
    memory = host.facts().get("memory", {})
    return {
        "TotalAllocated": int(memory.get("total", 0)),
        "PeakAllocated": int(memory.get("peak", 0)),
        "CurrAllocated": int(memory.get("current", 0)),
    }
