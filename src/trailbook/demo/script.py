"""An administrator's own script: it moves everybody of one place of work to another, in one statement of SQL.

`python -m trailbook.demo.script FOLDER FROM TO` knows nothing of the HR system and nothing of the log, as such scripts
do. Owns one connection to hr.db; refuses what moves nobody.
"""

import sqlite3
import sys
from pathlib import Path

_MOVE = "UPDATE person SET location = ? WHERE location = ? AND status = 'active'"


def move(file: Path, before: str, after: str) -> int:
    """Move everybody from one place to another; how many they were."""
    connection = sqlite3.connect(f"file:{file}?mode=rw", uri=True)
    try:
        with connection:
            return connection.execute(_MOVE, (after, before)).rowcount
    finally:
        connection.close()


def main(arguments: list[str]) -> int:
    """Move them, and say how many."""
    if len(arguments) != 3:
        print("usage: python -m trailbook.demo.script FOLDER FROM TO", file=sys.stderr)
        return 2
    folder, before, after = arguments
    moved = move(Path(folder) / "hr.db", before, after)
    print(f"{moved} people moved from {before} to {after}" if moved else f"nobody works in {before}")
    return 0 if moved else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
