"""The module's settings, read from the host each time: a user may change them while it runs."""

from __future__ import annotations

from gearframe.shard.control.hosting import Host

DEFAULTS = {
    "MaxExecutions": "1000",
    "ProfileExecutions": "0",
    "PythonAttemptTraceback": "1",
    "PythonInstallReqMaxIdleTime": "30000",
    "Isolation": "shared",
    "ExecutionEnabled": "1",
    "RequirementsEnabled": "1",
    "ExecutionTimeLimit": "0",
    "MaxResultBytes": "536870912",
    "RequirementsDir": "",
}


class Settings:
    """Typed reading of the settings; what makes no sense counts as the default."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def text(self, name: str) -> str:
        """Give a setting as it is written, or its default where it is not set."""
        value = self._host.config_get(name)
        return DEFAULTS[name] if value is None else value

    def number(self, name: str) -> int:
        """Give a setting that is a number, zero or more."""
        for text in (self.text(name), DEFAULTS[name]):
            if text.strip().isascii() and text.strip().isdigit():
                return int(text)
        raise AssertionError(f"{name} has no default that is a number")

    def flag(self, name: str) -> bool:
        """Give a setting that is 0 or 1, or a word for it."""
        return self.text(name).strip().lower() not in ("0", "no", "false", "off")
