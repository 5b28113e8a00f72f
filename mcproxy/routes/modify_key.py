"""ModifyKeyRoute: keys get a prefix, or another one, or a suffix."""

from __future__ import annotations

from collections.abc import Sequence

from mcproxy.outcome import Result, error_line
from mcproxy.request import Request
from mcproxy.routes.base import Fields, Located, RouteHandle
from mcproxy.routes.changed import is_usable_key, under_key
from mcproxy.routing_prefix import PrefixedKey, split_prefix
from mcproxy.upstream.destination import Destination


class ModifyKeyRoute(RouteHandle):
    """Changes keys on their way to `target`; the client's reply has the key that it asked for."""

    __slots__ = ("_in_place", "_prefix", "_replaced", "_routing_prefix", "_suffix", "_target")

    def __init__(
        self,
        target: RouteHandle,
        prefix: bytes,
        *,
        replaced: bytes = b"",
        in_place: bool = False,
        suffix: bytes = b"",
        routing_prefix: bytes | None = None,
    ) -> None:
        """Every key shall start with `prefix`.

        A key that does not gets it in front. If it starts with `replaced`, the prefix takes that one's place;
        with `in_place` it overwrites as many bytes as it has itself. Pools that keep routing prefixes see
        `routing_prefix`, which may be empty; without it, the one that the client wrote.
        """
        self._target = target
        self._prefix = prefix
        self._replaced = replaced
        self._in_place = in_place
        self._suffix = suffix
        self._routing_prefix = routing_prefix

    def changed(self, key: bytes) -> bytes:
        """The key as `target` shall see it."""
        prefix = self._prefix
        if self._replaced and key.startswith(self._replaced):
            key = prefix + key[len(self._replaced) :]
        elif not key.startswith(prefix):
            key = prefix + key[len(prefix) :] if self._in_place else prefix + key
        return key + self._suffix

    def route(self, request: Request) -> None:
        key = self.changed(request.key)
        if key == request.key and self._routing_prefix is None:
            self._target.route(request)
        elif is_usable_key(key):
            changed = under_key(request, key)
            if self._routing_prefix is not None:
                changed.key = PrefixedKey(self._routing_prefix, key)
            self._target.route(changed)
        else:
            line = error_line(f"ModifyKeyRoute: invalid key: {key.decode('ascii', 'backslashreplace')}")
            request.answer(Result.LOCAL_ERROR, line)

    def locate(self, keys: Sequence[bytes]) -> Located:
        changed = [self.changed(key) for key in keys]
        if not all(map(is_usable_key, changed)):
            return super().locate(keys)
        return self._target.locate(changed)

    def destinations(self) -> Sequence[Destination]:
        return self._target.destinations()

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `target` and any of `ensure_key_prefix`, `replace_key_prefix`, `modify_inplace`, `set_key_suffix`.

        And `set_routing_prefix`: `/region/cluster/`, or "" to take it off.
        """
        target = fields.child("target")
        prefix, replaced = _bytes(fields, "ensure_key_prefix"), _bytes(fields, "replace_key_prefix")
        suffix = _bytes(fields, "set_key_suffix")
        in_place = fields.boolean("modify_inplace", False)
        if in_place and replaced:
            raise fields.error("modify_inplace and replace_key_prefix exclude each other", "modify_inplace")
        routing_prefix = _bytes(fields, "set_routing_prefix") if fields.has("set_routing_prefix") else None
        if routing_prefix and split_prefix(routing_prefix + b"-") != (routing_prefix, b"-"):
            raise fields.error("set_routing_prefix is not of the form /region/cluster/", "set_routing_prefix")
        if not (prefix or replaced or suffix) and routing_prefix is None:
            return target
        return cls(target, prefix, replaced=replaced, in_place=in_place, suffix=suffix, routing_prefix=routing_prefix)


def _bytes(fields: Fields, name: str) -> bytes:
    value = fields.text(name, "").encode()
    if not is_usable_key(value or b"-") or any(byte <= 32 or byte == 127 for byte in value):
        raise fields.error(f"{name} cannot be part of a key", name)
    return value
