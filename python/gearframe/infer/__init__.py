"""Schemas guessed from a sample, and judged by the grammar that scans use."""
