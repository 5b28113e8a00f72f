"""uvloop, as in production; and a service whose requests a scripted route answers."""

import asyncio

import pytest
import uvloop

from mcproxy.service import Routing, Service
from mcproxy.tick import Tick
from tests.support.fleet import addresses, fleet  # noqa: F401  (fixtures)
from tests.support.scripted_route import ScriptedRoute


def pytest_asyncio_loop_factories(config, item):
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
def route():
    return ScriptedRoute()


class NoLoop(asyncio.AbstractEventLoop):
    """The next turn comes at once, and no time passes."""

    def call_soon(self, callback, *args):
        callback(*args)

    def call_later(self, delay, callback, *args):
        pass


@pytest.fixture
def service(route):
    return Service(Routing(route), Tick(lambda callback: None), NoLoop())
