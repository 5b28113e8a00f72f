"""The layout of a chunk. Only this file knows where a header's fields are.

A handle is a chunk's byte offset in the arena divided by 8, so 32 bits reach 32 GiB; 0 is no chunk.

    byte  0      4      8         12            16            20     24          32
          +------+------+---------+-------------+-------------+------+-----------+----------------------
          | next | prev | exptime | last access | text length | meta | CAS       | text
          +------+------+---------+-------------+-------------+------+-----------+----------------------
                                                                                 VALUE key flags n CRLF
                                                                                 value CRLF
    meta  bits 0-7    key length
          bits 8-15   slab class (6 bits) and LRU segment (2 bits): the "list" an item is in
          bits 16-20  gap: where the value begins, less the key length
          bits 21-31  states, below

The text is what `get` sends, so a hit is one slice of the arena. It needs at most 59 + key + value bytes with
this header where the original's item takes 61 + key + value (or 4 more with client flags): whatever fits the
original's chunk fits here.

A free chunk has meta 0; next and prev link it into its class's free list. An item over the largest chunk is
a chain: a small first chunk, `CHUNKED`, with the header and the text up to the value, and the value in further ones,
`PIECE`s, whose exptime word names the first chunk. Pieces are linked by next; the first chunk names the first piece
in the last four bytes of its room, since its own next belongs to the LRU. Its list is one of the largest class,
though its chunk is not: chunks of a chain have the sizes of the original's, and each piece holds as much.
"""

import struct

NEXT, PREV, EXPTIME, LAST_ACCESS, TEXT_LENGTH, META = range(6)
"""Offsets in 32-bit words; a chunk's first word is at index `handle * 2`."""

CAS = 3
"""Offset in 64-bit words; a chunk's first is at index `handle`."""

TEXT = 32
"""Offset of the text in bytes; a chunk's first byte is at `handle * 8`."""

HEADER = 32

KEY = 6
"""Offset of the key in the text, behind `VALUE `."""

STATE = struct.Struct("<IIIIQ")
"""exptime, last access, text length, meta and CAS, to be written in one go at byte STATE_AT of a chunk."""

STATE_AT = 8

LIST_SHIFT, GAP_SHIFT = 8, 16
KEY_LENGTH_MASK, LIST_MASK, GAP_MASK = 0xFF, 0xFF, 0x1F

LINKED = 1 << 21  # in the index and in an LRU segment
FETCHED = 1 << 22  # read since it was stored
ACTIVE = 1 << 23  # read twice or more since it was stored or came to the segment's tail
HAS_TTL = 1 << 24  # the exptime is not 0
HAS_FLAGS = 1 << 25  # client flags are not 0: the original counts 4 more bytes
CHUNKED = 1 << 26  # first chunk of a chain
PIECE = 1 << 27  # further chunk of a chain
STALE = 1 << 28  # invalidated: served, and to be stored anew
WON = 1 << 29  # somebody was told to store it anew
BINARY = 1 << 30  # the key came as base64 and may hold any bytes
OWN_CAS = 1 << 31  # its CAS unique is not of the store's making

ITEM_OVERHEAD = 48 + 8 + 1
"""The original's item size beyond key, value with CRLF, and 4 bytes if there are client flags."""


PIECE_OVERHEAD = 48
"""What the original's header of a chain's piece takes of its chunk."""


def first_chunk_size(meta: int) -> int:
    """The original's size of the first chunk of a chain: an item without a value, and a piece without one."""
    return (meta & KEY_LENGTH_MASK) + ITEM_OVERHEAD + PIECE_OVERHEAD + (4 if meta & HAS_FLAGS else 0)


def item_size(text_length: int, meta: int) -> int:
    """The original's size of the item, in bytes: what `bytes` and `mem_requested` add up."""
    gap = meta >> GAP_SHIFT & GAP_MASK
    return text_length - gap + ITEM_OVERHEAD + (4 if meta & HAS_FLAGS else 0)
