"""`rendezvous`: places keys as pymemcache's HashClient does by default.

A node's score is MurmurHash3 (32 bits, seed 0) of "node-key", the highest wins, of equal ones the greater
node string. The client hashes *characters*, each cut to its low eight bits, so the UTF-8 of a key on the
wire is decoded first; it is the same thing for ASCII. Name nodes "host:port" as the client lists them. Keys
given to the client as bytes it formats as "b'...'": such keys it places elsewhere, and no proxy can see
that.
"""

from mmh3 import mmh3_32_uintdigest

from mcproxy.hashing.node import HashOptions
from mcproxy.hashing.selector import NamedSlots, Selector, by_name


@by_name
def client_rendezvous(slots: NamedSlots, _options: HashOptions) -> Selector:
    """Config name rendezvous. One MurmurHash3 per node and key."""
    # In the order of names: a later node with an equal score is the greater one.
    by_rank = sorted((node.name, index) for index, node in slots)
    prefixes = [(characters(name.encode() + b"-"), index) for name, index in by_rank]

    def select(key: bytes) -> int:
        if not key.isascii():
            key = characters(key)
        best = winner = -1
        for prefix, index in prefixes:
            score = mmh3_32_uintdigest(prefix + key)
            if score >= best:
                best, winner = score, index
        return winner

    return select


def characters(text: bytes) -> bytes:
    """The low eight bits of each character of UTF-8 text; bytes that are no UTF-8 stay as they are."""
    try:
        return bytes(ord(character) & 0xFF for character in text.decode())
    except UnicodeDecodeError:
        return text
