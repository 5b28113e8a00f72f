"""Reply lines that are the same bytes every time, and the one reply a text server gives a binary client."""

import struct

CRLF = b"\r\n"
END = b"END\r\n"
STORED = b"STORED\r\n"
NOT_STORED = b"NOT_STORED\r\n"
EXISTS = b"EXISTS\r\n"
NOT_FOUND = b"NOT_FOUND\r\n"
DELETED = b"DELETED\r\n"
TOUCHED = b"TOUCHED\r\n"
OK = b"OK\r\n"
RESET = b"RESET\r\n"
ERROR = b"ERROR\r\n"

BAD_LINE = b"CLIENT_ERROR bad command line format\r\n"
BAD_DATA = b"CLIENT_ERROR bad data chunk\r\n"
BAD_EXPTIME = b"CLIENT_ERROR invalid exptime argument\r\n"
BAD_DELTA = b"CLIENT_ERROR invalid numeric delta argument\r\n"
NON_NUMERIC = b"CLIENT_ERROR cannot increment or decrement non-numeric value\r\n"
TOO_LARGE = b"SERVER_ERROR object too large for cache\r\n"
OUT_OF_MEMORY_STORING = b"SERVER_ERROR out of memory storing object\r\n"
OUT_OF_MEMORY = b"SERVER_ERROR out of memory\r\n"
BAD_DELETE = b"CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n"

BINARY_MAGIC = 0x80
TLS_HANDSHAKE = 0x16

_BINARY_HEADER = struct.Struct(">BBHBBHIIQ")
_BINARY_UNKNOWN_COMMAND = 0x0081


def binary_refusal(request: bytes) -> bytes:
    """The one binary response to a client of the binary protocol: same opcode and opaque, status 0x0081.

    `request` is what has come of its first request, possibly less than the 24 bytes of a header.
    """
    padded = request[:24].ljust(24, b"\0")
    opcode, opaque = padded[1], int.from_bytes(padded[12:16], "big")
    text = b"binary protocol not supported, use text"
    return _BINARY_HEADER.pack(0x81, opcode, 0, 0, 0, _BINARY_UNKNOWN_COMMAND, len(text), opaque, 0) + text
