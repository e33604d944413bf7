"""Everything that runs in a browser. Python sees only the built files under `static/`."""

from pathlib import Path

STATIC = Path(__file__).parent / "static"
