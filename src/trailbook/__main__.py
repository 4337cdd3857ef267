"""`trailbook` and `python -m trailbook` are the command line.

Owns what is said where the command line was not installed. Refuses to hide any other module that is missing.
"""

import sys

_NEEDED = "typer"


def main() -> int:
    """Run the command line; without its extra the exit code is 2."""
    try:
        from trailbook.cli import main as run  # noqa: PLC0415 - whether it is there is known only then
    except ModuleNotFoundError as error:
        if error.name != _NEEDED:
            raise
        print("error: the command line needs the extra `cli`: pip install trailbook[cli]", file=sys.stderr)
        return 2
    return run()


if __name__ == "__main__":
    sys.exit(main())
