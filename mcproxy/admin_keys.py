"""`get __mcrouter__.COMMAND`: what the proxy says of itself and of the ways of keys, as the value of a key.

Only the first comma of `(a,b)` separates, so keys may have commas. What cannot be told is a value too: `ERROR: …`.
"""

from __future__ import annotations

import dataclasses
import json
import re
import time
from collections.abc import Callable, Sequence
from typing import Any, cast

from mcproxy.config.jsonc import Object
from mcproxy.config.upstreams import build_upstreams
from mcproxy.in_force import InForce
from mcproxy.offline import OPERATIONS, OfflineTree, OfflineUpstreams, Step
from mcproxy.routes.base import Pool
from mcproxy.routing_prefix import split_prefix
from mcproxy.settings import Settings
from mcproxy.snapshot import shown_name
from mcproxy.upstream.destination import Destination

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


class AdminError(Exception):
    """To be told as `ERROR: text`."""


@dataclasses.dataclass(frozen=True, slots=True)
class AdminKeys:
    """One worker's answers. `loaded_at` tells Unix time in seconds, `destinations` all servers known."""

    version: str
    settings: Settings
    host_id: int
    in_force: Callable[[], InForce]
    loaded_at: Callable[[], float]
    destinations: Callable[[], Sequence[Destination]]

    def value(self, command: bytes) -> bytes:
        """Of `version`, `route(get,key)`, ..."""
        name, has_argument, rest = command.partition(b"(")
        argument = rest.removesuffix(b")") if has_argument else None
        answer = COMMANDS.get(name.decode("ascii", "replace"))
        try:
            if answer is None:
                raise AdminError(f"unknown command: {name.decode('ascii', 'backslashreplace')}")
            if has_argument and not rest.endswith(b")"):
                raise AdminError("a closing parenthesis is missing")
            return answer(self, argument).encode("utf-8", "surrogateescape")
        except AdminError as error:
            return f"ERROR: {error}".encode()


def _version(keys: AdminKeys, argument: bytes | None) -> str:
    return keys.version


def options_text(settings: Settings) -> dict[str, str]:
    """Every option by its name, as text."""
    return {row.name: _shown(getattr(settings, row.name)) for row in dataclasses.fields(settings)}


def _options(keys: AdminKeys, argument: bytes | None) -> str:
    options = options_text(keys.settings)
    if argument is None:
        return "\n".join(f"{name} {text}".rstrip() for name, text in options.items())
    name = argument.decode("ascii", "replace").replace("-", "_")
    if name not in options:
        raise AdminError(f"invalid option: {name}")
    return options[name]


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(int(value))
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _config_file(keys: AdminKeys, argument: bytes | None) -> str:
    path = keys.in_force().path
    if not path:
        raise AdminError("no config file: configured by text or --upstream")
    return path


def _config_age(keys: AdminKeys, argument: bytes | None) -> str:
    return str(max(int(time.time() - keys.loaded_at()), 0))


def _config_md5(keys: AdminKeys, argument: bytes | None) -> str:
    digest = keys.in_force().digest
    if not digest:
        raise AdminError("no config: --upstream")
    return digest


def _config_sources(keys: AdminKeys, argument: bytes | None) -> str:
    return _pretty(dict(sorted(keys.in_force().sources.items())))


def _preprocessed(keys: AdminKeys, argument: bytes | None) -> str:
    document = keys.in_force().document
    if document is None:
        raise AdminError("no config: --upstream")
    return _pretty(document)


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2)


def _host_id(keys: AdminKeys, argument: bytes | None) -> str:
    return str(keys.host_id)


def _pools(keys: AdminKeys, argument: bytes | None) -> str:
    pools = {name: _members(pool) for name, pool in sorted(keys.in_force().pools.items())}
    return _pretty({name: [_host(member, name, at) for at, member, _ in members] for name, members in pools.items()})


def _failure_domains(keys: AdminKeys, argument: bytes | None) -> str:
    if not argument:
        raise AdminError("failure_domains: 1 arg expected")
    pool = keys.in_force().pools.get(argument.decode("utf-8", "surrogateescape"))
    members = _members(pool) if pool is not None else []
    return _pretty({str(server.location): str(domain) for _, server, domain in sorted(members, key=_location)})


def _members(pool: Pool) -> list[tuple[int, Destination, int]]:
    """(number, server, failure domain) of each server."""
    return [
        (at, server, member.failure_domain)
        for at, member in enumerate(pool.members)
        for server in member.destinations()
    ]


def _location(member: tuple[int, Destination, int]) -> str:
    return str(member[1].location)


def _global_params(keys: AdminKeys, argument: bytes | None) -> str:
    return _pretty(dict(sorted(keys.in_force().environment.global_values.items())))


def _verbosity(keys: AdminKeys, argument: bytes | None) -> str:
    if argument:
        raise AdminError("clients cannot change the log of others")
    return str(keys.settings.verbosity)


def _get_bucket(keys: AdminKeys, argument: bytes | None) -> str:
    if not argument:
        raise AdminError("get_bucket: 1 arg (key) expected")
    steps = _offline(keys.in_force()).way_of(argument, OPERATIONS["get"], "miss")
    key = split_prefix(argument)[1].decode("utf-8", "surrogateescape")
    return "\r\n".join(f"{key}\t{step.bucket}\t{step.keyspace}" for step in steps if step.bucket is not None)


def _steps(keys: AdminKeys, argument: bytes | None) -> list[Step]:
    """The way of a request whose servers all fail, so that those it would be failed over to are there too."""
    if argument is None or b"," not in argument:
        raise AdminError("an operation and a key are expected: (get,key)")
    name, _, key = argument.partition(b",")
    op = OPERATIONS.get(name.decode("ascii", "replace"))
    if op is None or not key:
        raise AdminError(f"unknown operation: {name.decode('ascii', 'replace')}")
    return list(dict.fromkeys(_offline(keys.in_force()).way_of(key, op, "error")))


def _offline(now: InForce) -> OfflineTree:
    if now.document is not None:
        return OfflineTree(cast(Object, now.document), now.environment, now.options)
    return OfflineUpstreams(
        lambda servers: build_upstreams(now.sets, now.hash_name, servers, now.options, now.on_unavailable)
    )


def _route(keys: AdminKeys, argument: bytes | None) -> str:
    locations = {server.name: str(server.location) for server in keys.destinations()}
    steps = [step for step in _steps(keys, argument) if step.destination]
    return "\r\n".join(dict.fromkeys(locations.get(step.destination, step.destination) for step in steps))


def _route_handles(keys: AdminKeys, argument: bytes | None) -> str:
    servers, lines, pool = {server.name: server for server in keys.destinations()}, ["proxy", " root"], "upstream"
    for step in _steps(keys, argument):
        if step.pool is not None:
            pool = step.pool.name
        server = servers.get(step.destination)
        text = _host(server, pool, _number(keys, pool, server)) if server else _handle(step)
        lines.append(" " * (step.depth + 2) + text)
    return "\r\n".join(lines)


def _handle(step: Step) -> str:
    """`FailoverRoute` as `failover`, a pool as how it chooses."""
    if step.destination:
        return f"host|ap={step.destination}"
    if step.pool is not None:
        return f"hash|{step.hash_name}|pool={step.pool.name}"
    return _CAMEL.sub("-", step.kind.removesuffix("Route")).lower()


def _number(keys: AdminKeys, pool: str, server: Destination) -> int:
    """Of the server in its pool; 0 in one that is written in place without a name."""
    known = keys.in_force().pools.get(pool)
    return next((at for at, member, _ in _members(known) if member is server), 0) if known is not None else 0


def _host(server: Destination, pool: str, number: int) -> str:
    place = shown_name(server).rpartition("-")[0]
    return f"host|pool={pool}|id={number}|ap={place}|timeout={server.options.timeout_s * 1000:.0f}ms"


COMMANDS: dict[str, Callable[[AdminKeys, bytes | None], str]] = {
    "version": _version,
    "options": _options,
    "config_file": _config_file,
    "config_age": _config_age,
    "config_md5_digest": _config_md5,
    "config_sources_info": _config_sources,
    "preprocessed_config": _preprocessed,
    "route": _route,
    "route_handles": _route_handles,
    "hostid": _host_id,
    "pools": _pools,
    "failure_domains": _failure_domains,
    "global_params": _global_params,
    "verbosity": _verbosity,
    "get_bucket": _get_bucket,
}
