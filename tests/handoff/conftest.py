"""The stage on which the handoff tests play."""

from __future__ import annotations

import pytest

from handoff.writer import Database
from tests.doubles import Clock
from tests.handoff.scene import Scene


@pytest.fixture
def scene(database: Database, clock: Clock) -> Scene:
    """Guests, desks and a dispatcher over one database, once on each engine."""
    return Scene(database, clock)
