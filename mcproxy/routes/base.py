"""What every route handle is, and what it may ask for while it is built."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from mcproxy.hashing import HashOptions, Node
from mcproxy.request import Request
from mcproxy.upstream.destination import Destination

Located = tuple[Sequence[Destination | None], Sequence[bytes]]
"""(destination, key as it is there) of each of some keys. The keys are the very list if none is changed."""


class RouteHandle:
    """A node of the tree. It is immutable once built, so it can be shared and swapped at any time.

    `route` passes the request to a child by a plain call, or answers it. A handle that must see the reply
    leaves a request.Continuation first.
    """

    __slots__ = ()

    def route(self, request: Request) -> None:
        """Bring the request to its reply, now or later."""
        raise NotImplementedError

    def locate(self, keys: Sequence[bytes]) -> Located:
        """Where gets of `keys` would go, so that those to one server can share a line.

        None for a key with whose get this handle, or one below, does more than to choose a server.
        """
        return [None] * len(keys), keys

    def destinations(self) -> Sequence[Destination]:
        """Every destination below, each once."""
        return ()


@dataclass(frozen=True, slots=True)
class Pool:
    """A named list of servers. `members[i]` is where `nodes[i]`, what a hash function sees, is reached.

    A node may be None for a slot that is known to exist but has no server. `default_hash` chooses when the
    route names no hash function.
    """

    name: str
    nodes: tuple[Node | None, ...]
    members: tuple[RouteHandle, ...]
    default_hash: str = "Ch3"


class Fields(Protocol):
    """The fields of one route in a config, typed; every method raises ConfigError with the place.

    Children are built through it, so routes never import config.
    """

    def text(self, name: str, default: str) -> str:
        """A string."""

    def child(self, name: str) -> RouteHandle:
        """A required child."""

    def children(self, name: str) -> list[RouteHandle]:
        """A list of children, or one; `Pool|A` stands for the servers of pool A."""

    def pool(self, name: str) -> Pool:
        """A pool, by its name or written in place."""

    def hash(self, name: str, default: str) -> tuple[str, HashOptions]:
        """A hash function's name, known to HASH_FUNCTIONS, and its options."""

    def error(self, text: str) -> Exception:
        """To be raised: the config is refused with this text and the route's line."""


class RouteType(NamedTuple):
    """A row of ROUTE_HANDLES: how to build it, and the field that `Type|rest` fills."""

    build: Callable[[Fields], RouteHandle]
    argument: str = ""


def all_destinations(handles: Sequence[RouteHandle]) -> tuple[Destination, ...]:
    """The destinations below all of `handles`, each once, in order."""
    return tuple({id(d): d for handle in handles for d in handle.destinations()}.values())
