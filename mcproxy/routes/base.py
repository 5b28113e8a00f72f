"""What every route handle is, and what it may ask for while it is built."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from typing import NamedTuple, Protocol

from mcproxy.hashing import HashOptions, Node
from mcproxy.request import Request
from mcproxy.routes.context import RouteContext
from mcproxy.upstream.destination import Destination

INTEGER_MAX = 2**63 - 1

Located = tuple[Sequence[Destination | None], Sequence[bytes]]
"""(destination, key as it is there) of each of some keys. The keys are the very list if none is changed."""


class RouteHandle:
    """A node of the tree. It is immutable once built, so it can be shared and swapped at any time.

    `route` passes the request to a child by a plain call, or answers it. A handle that must see the reply
    leaves a request.Continuation first.
    """

    __slots__ = ()

    failure_domain = 0
    """What fails together with others of the same number; 0 is none. Only servers have one."""

    def route(self, request: Request) -> None:
        """Bring the request to its reply, now or later."""
        raise NotImplementedError

    def member_of(self, key: bytes) -> int | None:
        """Of a route that places keys on the servers of a pool: the number of the one that `key` is on."""
        return None

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
    route names no hash function. Without any node an error is the answer, or the default reply if
    `error_on_empty` is false.
    """

    name: str
    nodes: tuple[Node | None, ...]
    members: tuple[RouteHandle, ...]
    default_hash: str = "Ch3"
    error_on_empty: bool = True


class Fields(Protocol):
    """The fields of one object of a config (a route, or an object in it), typed.

    Every method raises mcproxy.config_error.ConfigError with file, line and path. A scalar's default of None
    makes the field required. Children are built through it, so routes never import config.
    """

    @property
    def context(self) -> RouteContext:
        """What the route may use while it runs."""

    def has(self, name: str) -> bool:
        """Whether the field is given, with whatever value."""

    def is_object(self, name: str) -> bool:
        """Whether the field is given as an object, for one that may be a list or a text as well."""

    def names(self) -> list[str]:
        """The fields given, as in the config: for objects whose names are data."""

    def text(self, name: str, default: str | None = None) -> str:
        """A string."""

    def integer(self, name: str, default: int | None = None, low: int = 0, high: int = INTEGER_MAX) -> int:
        """A whole number from `low` to `high`."""

    def number(self, name: str, default: float | None = None, low: float = 0.0, high: float = inf) -> float:
        """A number from `low` to `high`."""

    def boolean(self, name: str, default: bool | None = None) -> bool:
        """true or false."""

    def texts(self, name: str) -> list[str]:
        """A list of strings, or one of them; empty when not given."""

    def numbers(self, name: str) -> list[float]:
        """A list of numbers; empty when not given."""

    def object(self, name: str) -> Fields | None:
        """An object's fields, or None when not given."""

    def objects(self, name: str) -> Sequence[Fields]:
        """The fields of each object in a list; empty when not given."""

    def child(self, name: str) -> RouteHandle:
        """A required child."""

    def optional_child(self, name: str) -> RouteHandle | None:
        """A child, or None when not given."""

    def children(self, name: str) -> list[RouteHandle]:
        """A required list of children, or one; `Pool|A` stands for the servers of pool A."""

    def child_map(self, name: str) -> dict[str, RouteHandle]:
        """An object whose values are routes; empty when not given."""

    def pool(self, name: str) -> Pool:
        """A pool, by its name or written in place."""

    def hash(self, name: str, default: str) -> tuple[str, HashOptions]:
        """A hash function's name, known to HASH_FUNCTIONS, and its options.

        With an empty `name` they are read from this object itself (`hash_func`, `salt`, `weights`).
        """

    def error(self, text: str, name: str = "") -> Exception:
        """To be raised: the config is refused with this text, at the field `name` or at the whole object."""


class RouteType(NamedTuple):
    """A row of ROUTE_HANDLES: how to build it, and the field that `Type|rest` fills."""

    build: Callable[[Fields], RouteHandle]
    argument: str = ""


def all_destinations(handles: Sequence[RouteHandle]) -> tuple[Destination, ...]:
    """The destinations below all of `handles`, each once, in order."""
    return tuple({id(d): d for handle in handles for d in handle.destinations()}.values())
