"""RouteHandle.locate of routes that choose a child by the key."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mcproxy.routes.base import Located, RouteHandle
from mcproxy.upstream.destination import Destination


def locate_by_child(keys: Sequence[bytes], child_of: Callable[[bytes], RouteHandle]) -> Located:
    """Each key as the child that it belongs to locates it; every child is asked once."""
    groups: dict[RouteHandle, list[int]] = {}
    for at, key in enumerate(keys):
        groups.setdefault(child_of(key), []).append(at)
    if len(groups) == 1:
        return next(iter(groups)).locate(keys)
    servers: list[Destination | None] = [None] * len(keys)
    inner = list(keys)
    is_changed = False
    for child, places in groups.items():
        part = [keys[at] for at in places]
        found, renamed = child.locate(part)
        is_changed = is_changed or renamed is not part
        for at, server, key in zip(places, found, renamed, strict=True):
            servers[at], inner[at] = server, key
    return servers, inner if is_changed else keys
