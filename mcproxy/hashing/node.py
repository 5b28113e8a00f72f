"""What a hash function chooses between, and the settings it may carry."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Node:
    """One candidate of a pool: a server, or a child of a route.

    `name` is its stable identity (pod name, or "host:port"), never an address that changes with a restart.
    `weight` counts for `ketama`, `modula` and the weighted functions, `tag` for mcrouter's two Rendezvous.
    """

    name: str
    weight: float = 1.0
    tag: str = ""


@dataclass(frozen=True, slots=True)
class HashOptions:
    """The settings beside the name of a hash function; one that a function does not know, it ignores.

    `salt` is appended to every key as text. `weights`, when given, replace the nodes' own by position.
    `key_hash` names an entry of KEY_HASHES for `ketama`, `consistent` and `modula`; empty means the default of the
    software they follow. `hash_tag` is two characters as in twemproxy: of a key with both only what stands between
    them is hashed.
    """

    salt: str = ""
    weights: tuple[float, ...] = ()
    key_hash: str = ""
    hash_tag: str = ""
