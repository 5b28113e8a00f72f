"""Which node owns a key: pure functions, pinned by published vectors.

    node.py            Node, HashOptions: what a hash function chooses between, and its settings
    selector.py        builder and Selector; what all builders do the same way
    cached.py          bounded key -> slot cache for the costly ones
    furc.py            Ch3, mcrouter's default        weighted_ch3.py  crc32.py  const_shard.py  rendezvous.py
    ring.py            the default of pools that are given by name       jump.py
    ketama.py          twemproxy, libmemcached        modula.py  key_hashes.py (their key hashes)
    consistent.py      libmemcached without weights
    client_rendezvous  pymemcache              memcached_proxy  memcached's built-in proxy
    murmur64.py        MurmurHash64A                  spooky.py  SpookyHash V2

`HASH_FUNCTIONS[name](nodes, options)` returns a function from routing key to index into `nodes`.
"""

from mcproxy.hashing.cached import cached
from mcproxy.hashing.client_rendezvous import client_rendezvous
from mcproxy.hashing.consistent import consistent
from mcproxy.hashing.const_shard import const_shard
from mcproxy.hashing.crc32 import crc32
from mcproxy.hashing.furc import ch3
from mcproxy.hashing.jump import jump
from mcproxy.hashing.ketama import ketama
from mcproxy.hashing.memcached_proxy import proxy_jump, proxy_ring
from mcproxy.hashing.modula import modula
from mcproxy.hashing.node import HashOptions, Node
from mcproxy.hashing.rendezvous import rendezvous, weighted_rendezvous
from mcproxy.hashing.ring import ring
from mcproxy.hashing.selector import HashFunction, Selector
from mcproxy.hashing.weighted_ch3 import weighted_ch3

# The names with a capital are mcrouter's; the others name what other software does, and `ring` ours.
HASH_FUNCTIONS: dict[str, HashFunction] = {
    "Ch3": ch3,
    "WeightedCh3": weighted_ch3,
    "Crc32": crc32,
    "ConstShard": const_shard,
    "Rendezvous": rendezvous,
    "WeightedRendezvous": weighted_rendezvous,
    "ring": ring,
    "ch3": ch3,
    "crc32": crc32,
    "ketama": ketama,
    "consistent": consistent,
    "rendezvous": client_rendezvous,
    "jump": jump,
    "modula": modula,
    "jump_hash": proxy_jump,
    "ring_hash": proxy_ring,
}

__all__ = ["HASH_FUNCTIONS", "HashFunction", "HashOptions", "Node", "Selector", "cached"]
