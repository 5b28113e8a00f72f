"""What Django builds on its cache: sessions, whole pages and parts of them; and servers at a Unix socket."""

from __future__ import annotations

import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django
import pytest
from django.conf import settings
from django.contrib.sessions.backends.cache import SessionStore
from django.core.cache import cache, caches
from django.http import HttpRequest, HttpResponse
from django.template import Context, Engine
from django.test import RequestFactory, override_settings
from django.views.decorators.cache import cache_page

from tests.clients.conftest import COMMANDS, Kind
from tests.support.processes import Server, free_port
from tests.support.waiting import wait_until

BACKENDS = ["PyMemcacheCache", "PyLibMCCache"]
PATIENCE_S = 20.0

if not settings.configured:
    settings.configure(
        SECRET_KEY="of these tests", SESSION_ENGINE=SessionStore.__module__, USE_TZ=True, ALLOWED_HOSTS=["*"]
    )
    django.setup()


@contextmanager
def caching(backend: str, location: str) -> Iterator[None]:
    """Django's own cache is this one."""
    setting = {"BACKEND": f"django.core.cache.backends.memcached.{backend}", "LOCATION": location}
    with override_settings(CACHES={"default": setting}):
        cache.clear()
        yield
        caches.close_all()


@pytest.fixture(params=BACKENDS)
def default_cache(request: pytest.FixtureRequest, server: Server) -> Iterator[Any]:
    with caching(request.param, "{}:{}".format(*server.address)):
        yield cache


@pytest.mark.usefixtures("default_cache")
def test_sessions() -> None:
    session = SessionStore()
    session["user"] = {"name": "äöü", "visits": 3}
    session.set_expiry(1_000)
    session.save(must_create=True)
    key = session.session_key
    assert SessionStore(key)["user"] == {"name": "äöü", "visits": 3}
    assert SessionStore(key).get_expiry_age() == 1_000
    assert SessionStore().exists(key) is True
    again = SessionStore(key)
    again["user"]["visits"] += 1
    again.save()
    again.cycle_key()
    assert again.session_key != key
    assert SessionStore().exists(key) is False
    assert SessionStore(again.session_key)["user"]["visits"] == 4
    again.flush()
    assert SessionStore(again.session_key).get("user") is None


@pytest.mark.usefixtures("default_cache")
async def test_sessions_awaited() -> None:
    session = SessionStore()
    await session.aset("user", 7)
    await session.asave(must_create=True)
    assert await session.aexists(session.session_key) is True
    assert await SessionStore(session.session_key).aget("user") == 7
    await session.aflush()


@pytest.mark.usefixtures("default_cache")
def test_pages() -> None:
    made: list[str] = []

    @cache_page(100)
    def page(request: HttpRequest) -> HttpResponse:
        made.append(request.path)
        return HttpResponse(f"page {len(made)} " + "x" * 100_000)

    get = RequestFactory().get
    bodies = [page(get(path)).content[:6] for path in ("/a", "/a", "/b", "/a?q=1", "/a")]
    assert bodies == [b"page 1", b"page 1", b"page 2", b"page 3", b"page 1"]
    assert made == ["/a", "/b", "/a"]


@pytest.mark.usefixtures("default_cache")
def test_parts_of_pages() -> None:
    engine = Engine(libraries={"cache": "django.templatetags.cache"})
    template = engine.from_string("{% load cache %}{% cache 100 part user %}{{ text }}{% endcache %}")
    contexts = [("a", "first"), ("a", "second"), ("b", "third")]
    assert [template.render(Context({"user": user, "text": text})) for user, text in contexts] == [
        "first",
        "first",
        "third",
    ]


@pytest.fixture
def socket_path(kind: Kind) -> Iterator[Path]:
    """A server that listens there."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o777)  # the server is another user's
        path = Path(directory, "cache")
        command = COMMANDS[kind.name](free_port(), "-s", str(path), "-a", "777")
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: accepts(path), PATIENCE_S, f"a server at {path}")
            yield path
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


def accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_server_at_a_socket(backend: str, socket_path: Path) -> None:
    with caching(backend, f"unix:{socket_path}"):
        numbers = {f"key-{number}": number for number in range(100)}
        assert cache.set_many(numbers) == []
        assert cache.get_many(numbers) == numbers
        assert cache.incr("key-1", 5) == 6
