import asyncio

import pytest

from mcproxy.tick import Tick
from mcproxy.upstream.destination import Surroundings, TkoCount
from mcproxy.upstream.destination_map import DestinationMap


@pytest.fixture
def destinations():
    """Nothing connects here: destinations do so with their first request."""
    loop = asyncio.AbstractEventLoop()
    return DestinationMap(Surroundings(loop, Tick(lambda callback: None), TkoCount()))
