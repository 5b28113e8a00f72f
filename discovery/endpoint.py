"""Endpoints and their identity: a name keeps its place whatever its address is today. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


def host_port(address: str, port: int) -> str:
    """`10.0.0.1:11211`, `[fd00::1]:11211`, and `unix:/path` for a socket's path."""
    if address.startswith("/"):
        return f"unix:{address}"
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One server: `name` is its identity, `address` (IP, host or socket path) and `port` where it is now.

    `slot` is the ordinal in its name (a StatefulSet's pod number), None when the name has none.
    """

    name: str
    address: str
    port: int
    slot: int | None = None

    @property
    def location(self) -> str:
        """Where to connect, as text."""
        return host_port(self.address, self.port)

    @property
    def is_nameless(self) -> bool:
        """Known by its address alone, as plain A and AAAA answers give it."""
        return self.name == self.location


def _order(endpoint: Endpoint) -> tuple[int, int, int, str]:
    """By ordinal; then by name; nameless ones last, by the number that their address is."""
    if endpoint.slot is not None:
        return (0, endpoint.slot, 0, endpoint.name)
    if endpoint.is_nameless:
        try:
            address = ipaddress.ip_address(endpoint.address)
        except ValueError:
            return (1, 0, 0, endpoint.name)
        return (1 + address.version, int(address), endpoint.port, endpoint.name)
    return (1, 0, 0, endpoint.name)


@dataclass(frozen=True, slots=True)
class EndpointSet:
    """An immutable set of endpoints in one order that every observer agrees on.

    `expect` fixes the number of slots; None lets the highest ordinal decide. Two endpoints of one name
    raise ValueError.
    """

    endpoints: tuple[Endpoint, ...] = ()
    expect: int | None = None

    def __post_init__(self) -> None:
        names = [endpoint.name for endpoint in self.endpoints]
        if len(set(names)) != len(names):
            raise ValueError(f"two endpoints share a name: {', '.join(sorted(names))}")
        object.__setattr__(self, "endpoints", tuple(sorted(self.endpoints, key=_order)))

    @classmethod
    def of(cls, endpoints: Iterable[Endpoint], expect: int | None = None) -> EndpointSet:
        """The set of `endpoints`, given in any order."""
        return cls(tuple(endpoints), expect)

    def __iter__(self) -> Iterator[Endpoint]:
        return iter(self.endpoints)

    def __len__(self) -> int:
        return len(self.endpoints)

    def maybe_endpoint(self, name: str) -> Endpoint | None:
        """The endpoint of that name, if it is a member."""
        return next((endpoint for endpoint in self.endpoints if endpoint.name == name), None)

    @property
    def is_indexed(self) -> bool:
        """Every endpoint has an ordinal of its own, so ordinals can serve as slots."""
        slots = {endpoint.slot for endpoint in self.endpoints}
        return bool(slots) and None not in slots and len(slots) == len(self.endpoints)

    def slots(self) -> tuple[Endpoint | None, ...]:
        """What an index hash counts: endpoint N at index N, None where one is missing.

        The length is `expect`, or the highest ordinal + 1. A set without ordinals is simply its endpoints.
        """
        if not self.is_indexed:
            return self.endpoints
        by_slot = {endpoint.slot: endpoint for endpoint in self.endpoints}
        return tuple(by_slot.get(slot) for slot in range(self._size()))

    def slot_names(self) -> tuple[str, ...]:
        """What a ring is built from: the name of every slot, the missing ones' too (their siblings tell it).

        So observers who start in any pod's absence still place all keys alike.
        """
        slots = self.slots()
        if not slots or not self.is_indexed:
            return tuple(endpoint.name for endpoint in self.endpoints)
        sibling = self.endpoints[0]
        base = sibling.name.removesuffix(f"-{sibling.slot}")
        return tuple(endpoint.name if endpoint else f"{base}-{slot}" for slot, endpoint in enumerate(slots))

    def _size(self) -> int:
        highest = max(endpoint.slot for endpoint in self.endpoints if endpoint.slot is not None)
        return highest + 1 if self.expect is None else max(self.expect, highest + 1)


@dataclass(frozen=True, slots=True)
class Change:
    """What makes one set into another; `moved` pairs the endpoint before and after. False when empty."""

    added: tuple[Endpoint, ...] = ()
    removed: tuple[Endpoint, ...] = ()
    moved: tuple[tuple[Endpoint, Endpoint], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.moved)

    def lines(self) -> Iterator[str]:
        """`+ name location`, `- name location`, `~ name before -> after`, one per endpoint."""
        for endpoint in self.added:
            yield f"+ {endpoint.name} {endpoint.location}"
        for endpoint in self.removed:
            yield f"- {endpoint.name} {endpoint.location}"
        for before, after in self.moved:
            yield f"~ {after.name} {before.location} -> {after.location}"


def diff(old: EndpointSet, new: EndpointSet) -> Change:
    """Compares by name: a known name at a new address or port has moved, it is not another server."""
    before = {endpoint.name: endpoint for endpoint in old}
    after = {endpoint.name: endpoint for endpoint in new}
    return Change(
        added=tuple(endpoint for endpoint in new if endpoint.name not in before),
        removed=tuple(endpoint for endpoint in old if endpoint.name not in after),
        moved=tuple(
            (before[endpoint.name], endpoint)
            for endpoint in new
            if endpoint.name in before and before[endpoint.name] != endpoint
        ),
    )
