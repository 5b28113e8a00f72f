"""What every hash function does the same way: count its nodes, skip the missing, find the tag, append the salt.

A builder turns nodes and options into a Selector, once per configuration; the Selector is what runs per
key. Builders come in two kinds. Index hashes (`by_index`) depend on the *number* of slots, so a missing
node keeps its slot and may be selected; name hashes (`by_name`) depend on *who* is there and never select a
missing one.
"""

from collections.abc import Callable, Sequence
from functools import wraps

from mcproxy.hashing.node import HashOptions, Node

Selector = Callable[[bytes], int]
"""Routing key -> index into the nodes the builder was given."""

HashFunction = Callable[[Sequence[Node | None], HashOptions], Selector]
"""The builder behind a config name; None among nodes is a missing slot. ValueError: no nodes, bad option."""

NamedSlots = list[tuple[int, Node]]
"""(index, node) of the nodes that are there."""


def by_index(build: HashFunction) -> HashFunction:
    """Make a builder of an index hash: `build` sees two slots or more, missing ones included."""

    @wraps(build)
    def builder(nodes: Sequence[Node | None], options: HashOptions) -> Selector:
        if not nodes:
            raise ValueError("cannot hash over zero nodes")
        if len(nodes) == 1:
            return constant(0)
        return tagged(salted(build(nodes, options), options.salt), options.hash_tag)

    return builder


def by_name(build: Callable[[NamedSlots, HashOptions], Selector]) -> HashFunction:
    """Make a builder of a name hash: `build` sees two present nodes or more, each name once."""

    @wraps(build)
    def builder(nodes: Sequence[Node | None], options: HashOptions) -> Selector:
        slots = [(index, node) for index, node in enumerate(nodes) if node is not None]
        if not slots:
            raise ValueError("cannot hash over zero nodes" + (": all are missing" if nodes else ""))
        if len(slots) == 1:
            return constant(slots[0][0])
        seen: set[str] = set()
        for _, node in slots:
            if node.name in seen:
                raise ValueError(f"two nodes are named {node.name!r}: a name hash cannot tell them apart")
            seen.add(node.name)
        return tagged(salted(build(slots, options), options.salt), options.hash_tag)

    return builder


def constant(index: int) -> Selector:
    """Where there is no choice there is nothing to hash."""
    return lambda _key: index


def salted(select: Selector, salt: str) -> Selector:
    """`select` of key + salt; without a salt `select` itself, so that it costs nothing."""
    if not salt:
        return select
    suffix = salt.encode()
    return lambda key: select(key + suffix)


def tagged(select: Selector, hash_tag: str) -> Selector:
    """`select` of what stands between the two characters of `hash_tag`; without one `select` itself.

    A key that lacks one of them, or has nothing between them, is hashed whole: twemproxy's rule.
    ValueError for anything but two ASCII characters.
    """
    if not hash_tag:
        return select
    if len(hash_tag) != 2 or not hash_tag.isascii():
        raise ValueError(f"hash_tag must be two ASCII characters, not {hash_tag!r}")
    first, last = hash_tag[0].encode(), hash_tag[1].encode()

    def select_tagged(key: bytes) -> int:
        start = key.find(first) + 1
        end = key.find(last, start) if start else -1
        return select(key[start:end] if end > start else key)

    return select_tagged


def weight_of(index: int, node: Node | None, options: HashOptions) -> float:
    """One slot's weight: from the options by position (0.5 beyond their end, as mcrouter) or the node's."""
    if options.weights:
        return options.weights[index] if index < len(options.weights) else 0.5
    return node.weight if node is not None else 1.0
