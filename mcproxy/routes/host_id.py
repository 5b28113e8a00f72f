"""HostIdRoute: one child, chosen by who this host is."""

from __future__ import annotations

from mcproxy.hashing.spooky import spooky_hash32
from mcproxy.routes.base import Fields, RouteHandle
from mcproxy.routes.null import NullRoute


class HostIdRoute(RouteHandle):
    """The same child for all requests of a host, so there is nothing left to do once it is built."""

    __slots__ = ()

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `children` and `salt`, which makes another choice of the same host."""
        children, salt = fields.children("children"), fields.text("salt", "")
        if not children:
            return NullRoute()
        host_id = fields.context.host_id
        return children[(spooky_hash32(f"{host_id}{salt}".encode()) if salt else host_id) % len(children)]
