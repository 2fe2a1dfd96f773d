"""How Hypothesis chooses its examples: the same ones in each run, on each machine.

A run must say something about the change that it judges, and nothing about luck or about how busy
the machine is. ``pytest --hypothesis-profile search`` looks for examples that nobody has seen.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "same",
    derandomize=True,
    database=None,
    # A health check counts seconds, or is a matter of luck.
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
settings.register_profile(
    "search",
    derandomize=False,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
settings.load_profile("same")
