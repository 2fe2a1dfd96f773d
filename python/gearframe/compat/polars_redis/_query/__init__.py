"""Conditions that become RediSearch queries; ``query.py`` is the door."""
