"""The binary refusal is a valid binary response."""

import struct

from mcproto.encode import binary_refusal


def test_binary_refusal_echoes_opcode_and_opaque() -> None:
    request = struct.pack(">BBHBBHIIQ", 0x80, 0x0B, 0, 0, 0, 0, 0, 0xDEADBEEF, 0)
    reply = binary_refusal(request)
    magic, opcode, key, extras, _, status, body, opaque, cas = struct.unpack(">BBHBBHIIQ", reply[:24])
    assert (magic, opcode, key, extras, status, opaque, cas) == (0x81, 0x0B, 0, 0, 0x0081, 0xDEADBEEF, 0)
    assert reply[24:] == b"binary protocol not supported, use text"
    assert body == len(reply) - 24


def test_half_a_header_is_enough() -> None:
    assert binary_refusal(b"\x80")[:2] == b"\x81\x00"
