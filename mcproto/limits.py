"""The bounds of the text protocol, in one place."""

KEY_MAX = 250
"""Longest key in bytes (protocol.txt, "Keys")."""

LINE_MAX = 2048
"""A line with no end in sight after this many bytes closes the connection, unless it is a get."""

GET_LINE_MAX = 8 * 1024 * 1024
"""Longest get or gets line. The original has no limit; every buffer here has one."""

LONG_LINE = 64 * 1024
"""A line of more bytes that came in pieces is not split into tokens in one go, if its command knows how."""

VALUE_MAX = 2_147_483_645
"""Largest length a storage line may declare: what fits a signed 32-bit number with CRLF."""

RELATIVE_EXPTIME_MAX = 60 * 60 * 24 * 30
"""Up to 30 days, in seconds, an exptime counts from now; beyond, it is a Unix time."""

U32 = 0xFFFF_FFFF
U64 = 0xFFFF_FFFF_FFFF_FFFF
