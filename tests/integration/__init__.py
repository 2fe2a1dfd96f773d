"""Tests that need real servers."""
