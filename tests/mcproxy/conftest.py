"""uvloop, as in production; and a service whose requests a scripted route answers."""

import asyncio

import pytest
import uvloop

from mcproxy.service import Routing, Service
from mcproxy.tick import Tick
from tests.support.scripted_route import ScriptedRoute


def pytest_asyncio_loop_factories(config, item):
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
def route():
    return ScriptedRoute()


@pytest.fixture
def service(route):
    """Without an event loop: nothing here may need one."""
    loop = asyncio.AbstractEventLoop()
    return Service(Routing(route), Tick(lambda callback: None), loop)
