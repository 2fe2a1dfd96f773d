"""The control plane: it takes the RG.* commands and keeps sessions, executions and requirements.

User code never runs here. What runs it are workers (``gearframe.shard.worker``), each with a
mailbox of its own; they and the control plane only ever exchange messages.
"""
