"""What a storage line says about the item, as far as its chunk must know before the value has come. Pure."""

from mcproto.grammar import maybe_client_flags
from mcproto.limits import KEY_MAX
from mcproto.meta_flags import parse_meta


def named_item(tokens: list[bytes]) -> tuple[bytes, bytes] | None:
    """Key and client flags; None if the line will be refused whatever its value is."""
    if tokens[0] == b"ms":
        line = parse_meta(tokens, first_flag=3)
        return None if isinstance(line, bytes) else (line.key, b"%d" % line.flags.get(b"F", 0))
    flags = maybe_client_flags(tokens[2])
    return None if flags is None or len(tokens[1]) > KEY_MAX else (tokens[1], b"%d" % flags)
