"""The embedded Valkey: a server of the program's own, stopped when the program ends."""

from gearframe.embedded.server import EmbeddedServer

__all__ = ["EmbeddedServer"]
