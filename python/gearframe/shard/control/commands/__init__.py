"""The RG.* commands, one file a family; ``table`` is their contents page."""
