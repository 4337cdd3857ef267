"""The tree: Merkle arithmetic, signed notes and timestamps. Pure."""
