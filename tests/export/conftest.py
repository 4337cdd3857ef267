"""The bundle builder stands beside the tests of exports and is imported by its own name."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
