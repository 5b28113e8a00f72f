"""What the wire can raise. Expected outcomes are values; this ends a connection."""


class ProtocolError(Exception):
    """Framing is lost: what follows on this connection cannot be told apart any more."""
