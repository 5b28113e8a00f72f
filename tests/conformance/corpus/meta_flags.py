"""Every flag with every meta command, on an item and on a missing one; most mean nothing to most commands.

Left out is what 1.6.18 does not know or does otherwise: E and x, C of mg, L and s of ms, T and b of ma. Recorded
replies of 1.6.42 have them.
"""

from tests.conformance.corpus.notation import Source, Table, second

# With the token it is given here.
FLAGS = (
    "c", "C0", "D2", "f", "F7", "h", "I", "J5", "k", "l", "Lhint", "N30", "O1", "P1", "q", "R30", "s", "t", "T30",
    "u", "v",
)  # fmt: skip
LEFT_OUT = frozenset(("mg C0", "ms s", "ms Lhint", "ma T30"))
MODES = {"mg": ("MS",), "ms": ("ME", "MA", "MP", "MR", "MS"), "md": ("MS",), "ma": ("MI", "M+", "MD", "M-")}

SET_A = b"set $a 5 0 3\r\n100\r\n"
ALL = b"mg $a c f h k l s t v\r\n"


def line(command: str, flag: str, key: bytes = b"$a") -> bytes:
    """The request, with a value where the command takes one."""
    length, value = (b" 3", b"xyz\r\n") if command == "ms" else (b"", b"")
    return b"%b %b%b %b\r\n%b" % (command.encode(), key, length, flag.encode(), value)


def script(command: str, flag: str) -> list[Source]:
    return [
        line(command, flag) + b"mn\r\n",
        ALL,
        b"set $a 5 100 3\r\n100\r\n",
        line(command, flag) + b"mn\r\n",
        second(ALL),
        ALL,
    ]


SCRIPTS: Table = {
    **{
        f"{command} {flag}": script(command, flag)
        for command, modes in MODES.items()
        for flag in (*FLAGS, *modes)
        if f"{command} {flag}" not in LEFT_OUT
    },
    **{
        f"{command} b": [SET_A, line(command, "b", b"UFJFRklYYQ=="), line(command, "k b", b"UFJFRklYYQ=="), ALL]
        for command in ("mg", "ms", "md")
    },
}
