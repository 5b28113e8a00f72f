"""The meta commands: flags and their order, marks, modes, base64 keys, quiet batches, errors."""

from tests.conformance.corpus.notation import Table, second

SET_A = b"set $a 5 0 3\r\nabc\r\n"
ALL = b"mg $a c f h k l s t v\r\n"

SCRIPTS: Table = {
    "mg, miss": [b"mg $a v\r\nmg $a O7 k\r\nmg $a q\r\nmn\r\n"],
    "mg, all that is returned": [SET_A, ALL, ALL],
    "mg, order decides": [SET_A, b"mg $a t T100 t v s k O1\r\n", b"mg $a O2 k s v t T0 t\r\n"],
    "mg, without a use": [SET_A, b"mg $a u h\r\n", b"mg $a h\r\n", b"mg $a h\r\n"],
    "mg, TTL that ends at once": [SET_A, b"mg $a t T-1 v\r\n", b"mg $a v\r\n"],
    "mg, vivify": [b"mg $a N30 v t\r\n", second(b"mg $a N30 v t\r\n"), b"ms $a 1\r\nx\r\n", ALL],
    "mg, recache": [b"set $a 0 20 1\r\nx\r\n", b"mg $a R10 v\r\n", b"mg $a R30 v\r\n", second(b"mg $a R30 v\r\n")],
    "md, stale and won": [SET_A, b"md $a I T30\r\n", b"mg $a v t\r\n", second(b"mg $a v\r\n"), SET_A, ALL],
    "md, compared": [
        SET_A, b"gets $a\r\n", b"md $a C<<CAS:$a:+1>>\r\n", b"md $a C0\r\n", b"md $a C<<CAS:$a:+0>> k\r\n", ALL,
    ],
    "md, quiet": [SET_A, b"md $a q\r\nmd $a q\r\nmn\r\n"],
    "ms, modes": [
        b"ms $a 1 MR\r\n1\r\n", b"ms $a 1 MA\r\n2\r\n", b"ms $a 1 ME F7 T100\r\n3\r\n", b"ms $a 1 ME\r\n4\r\n", ALL,
        b"ms $a 1 MA F9 T0\r\n5\r\n", b"ms $a 1 MP\r\n6\r\n", ALL, b"ms $a 1 MS\r\n7\r\n", ALL, b"ms $a 1 Ms\r\n8\r\n",
    ],
    "ms, compared": [
        b"ms $a 1 C5\r\n1\r\n", SET_A, b"gets $a\r\n", b"ms $a 1 C<<CAS:$a:+1>> c\r\n1\r\n", b"ms $a 1 C0\r\n1\r\n",
        b"ms $a 1 C<<CAS:$a:+0>> c k O1\r\n1\r\n", ALL,
    ],
    "ms, an older id that is to be stale": [
        b"set $a 0 100 1\r\n1\r\n", b"gets $a\r\n", b"ms $a 1 C1 I T0\r\n2\r\n", ALL, ALL, b"ms $a 1\r\n3\r\n", ALL,
    ],
    "ms, bad data": [SET_A, b"ms $a 2\r\n1234rest\r\nversion\r\n", b"ms $a 2 T1x\r\n12\r\nversion\r\n", ALL],
    "ms, bad length": [b"ms $a abc\r\nversion\r\n", b"ms $a -1 T0\r\nversion\r\n"],
    "ms, quiet": [b"ms $a 1 q\r\n1\r\nms $a 1 q ME\r\n2\r\nmn\r\n"],
    "ma": [
        b"ma $a\r\n", b"ma $a N0 J10 v t\r\n", b"ma $a v\r\n", b"ma $a MD D5 v\r\n", b"ma $a M- D100 v c\r\n",
        b"ma $a M+ D18446744073709551615 v\r\n", b"ma $a MZ\r\n", b"ma $a D1x\r\n",
    ],
    "ma, not a number": [SET_A, b"ma $a v q\r\n"],
    "base64 key": [b"ms UFJFRklYIHg= 2 b k\r\nhi\r\n", b"mg UFJFRklYIHg= b v\r\n", b"mg UFJFRklYIHg= v\r\n"],
    "base64 of a text key": [SET_A, b"mg UFJFRklYYQ== b v\r\n", b"md UFJFRklYYQ== b\r\n", b"get $a\r\n"],
    "base64, bad": [b"mg notbase64!! b\r\n", b"ms YWJ 1 b\r\nx\r\n"],
    "base64, loosely": [
        b"ms UFJFRklY-YWI= 2 b k\r\nhi\r\n", b"mg UFJFRklYYWI=UFJFRklY b k v\r\n", b"get $ab\r\n", b"mg a=== b\r\n",
    ],
    "me": [b"delete $a\r\nme $a\r\n", SET_A + b"me $a\r\n"],
    "flags, bad": [SET_A, b"mg $a v v\r\n", b"mg $a z\r\n", b"mg $a Tx\r\n", b"mg $a O" + b"o" * 32 + b"\r\n"],
    "flags that mean nothing here": [SET_A, b"mg $a I P1 Lhint J5 D2\r\n", b"md $a v h\r\n"],
}  # fmt: skip
