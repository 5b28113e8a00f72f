"""The built-in macros of JSONM that are plain functions of their arguments. Pure but for `isLocalIp`.

BUILTINS[name] has the parameters' names, those that may be left out last. A function raises ValueError; the
preprocessor adds the macro's name and the place. What needs unexpanded arguments is in special_forms.py.
"""

from __future__ import annotations

import random
import socket
from collections.abc import Callable
from typing import Any, NamedTuple

from mcproxy.config.jsonc import Object
from mcproxy.hashing.node import HashOptions, Node
from mcproxy.hashing.spooky import spooky_hash32
from mcproxy.hashing.weighted_ch3 import weighted_ch3

RANGE_MAX = 100_000
HASH_SEED = 0


class Builtin(NamedTuple):
    """A row of BUILTINS."""

    parameters: tuple[str, ...]
    call: Callable[..., Any]
    optional: int = 0


def type_name(value: object) -> str:
    """As messages call it."""
    if value is None:
        return "null"
    for kind, name in _TYPE_NAMES.items():
        if isinstance(value, kind):
            return name
    return type(value).__name__


_TYPE_NAMES = {bool: "boolean", int: "integer", float: "double", str: "string", list: "array", dict: "object"}


def expect(value: Any, kinds: type | tuple[type, ...], what: str) -> Any:
    """`value`, if it is of one of `kinds`; a boolean is no integer."""
    wanted = kinds if isinstance(kinds, tuple) else (kinds,)
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
        names = "/".join(_TYPE_NAMES[kind] for kind in wanted)
        raise ValueError(f"{what} is {type_name(value)}, {names} expected")
    return value


def same(a: Any, b: Any) -> bool:
    """Equality of JSON: 1 is not true."""
    return isinstance(a, bool) == isinstance(b, bool) and bool(a == b)


def is_integer(value: Any) -> bool:
    """A whole number, not true or false."""
    return isinstance(value, int) and not isinstance(value, bool)


def _int(value: Any) -> int:
    if isinstance(value, str | int | float):
        try:
            return int(value)
        except (ValueError, OverflowError):
            pass
    raise ValueError(f"can not cast {type_name(value)} {value!r} to int")


def _double(value: Any) -> float:
    if isinstance(value, str | int | float):
        try:
            return float(value)
        except (ValueError, OverflowError):
            pass
    raise ValueError(f"can not cast {type_name(value)} {value!r} to double")


def _str(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise ValueError(f"can not cast {type_name(value)} to string")


_WORDS_OF_BOOL = {
    **dict.fromkeys(("1", "true", "t", "yes", "y", "on"), True),
    **dict.fromkeys(("0", "false", "f", "no", "n", "off"), False),
}


def _bool(value: Any) -> bool:
    if isinstance(value, str) and (found := _WORDS_OF_BOOL.get(value.lower())) is not None:
        return found
    if isinstance(value, int | float):
        return bool(value)
    raise ValueError(f"can not cast {type_name(value)} {value!r} to boolean")


def _on_integers(operation: Callable[[int, int], int]) -> Callable[[Any, Any], int]:
    return lambda a, b: operation(expect(a, int, "A"), expect(b, int, "B"))


def _divide(a: int, b: int) -> int:
    """Towards zero, as in C."""
    if b == 0:
        raise ValueError("B is 0")
    return -(-a // b) if (a < 0) != (b < 0) else a // b


def _on_booleans(operation: Callable[[bool, bool], bool]) -> Callable[[Any, Any], bool]:
    return lambda a, b: operation(expect(a, bool, "A"), expect(b, bool, "B"))


def _less(a: Any, b: Any) -> bool:
    numbers = all(isinstance(value, int | float) for value in (a, b))
    if not numbers and not all(isinstance(value, str) for value in (a, b)):
        raise ValueError(f"can not compare {type_name(a)} and {type_name(b)}")
    return bool(a < b)


def _contains(dictionary: Any, key: Any) -> bool:
    if isinstance(dictionary, list):
        return any(same(item, key) for item in dictionary)
    expect(dictionary, (dict, list, str), "dictionary")
    return expect(key, str, "key") in dictionary


def _merge(parts: Any) -> Any:
    if not expect(parts, list, "params"):
        raise ValueError("params are empty")
    kind = next((kind for kind in (list, dict, str) if isinstance(parts[0], kind)), None)
    if kind is None:
        raise ValueError(f"param 0 is {type_name(parts[0])}, array/object/string expected")
    for number, part in enumerate(parts):
        expect(part, kind, f"param {number}")
    if kind is dict:
        return merged(parts)
    return [item for part in parts for item in part] if kind is list else "".join(parts)


def merged(parts: list[dict[str, Any]]) -> Object:
    """One object; later values win, the place is the first part's."""
    result = Object()
    result.line, result.file = getattr(parts[0], "line", 0), getattr(parts[0], "file", "")
    for part in parts:
        result.update(part)
    return result


def _set(dictionary: Any, key: Any, value: Any) -> Any:
    if isinstance(expect(dictionary, (dict, list), "dictionary"), dict):
        result = merged([dictionary])
        result[expect(key, str, "key")] = value
        return result
    if not 0 <= expect(key, int, "key") < len(dictionary):
        raise ValueError(f"key {key} is out of range, there are {len(dictionary)} elements")
    return [*dictionary[:key], value, *dictionary[key + 1 :]]


def _slice(dictionary: Any, first: Any, last: Any) -> Any:
    """From `first` to `last`, both included."""
    if isinstance(expect(dictionary, (dict, list, str), "dictionary"), dict):
        return _between(dictionary, expect(first, str, "from"), expect(last, str, "to"))
    return dictionary[max(expect(first, int, "from"), 0) : max(expect(last, int, "to") + 1, 0)]


def _between(dictionary: dict[str, Any], low: str, high: str) -> Object:
    result = merged([dictionary])
    for key in list(result):
        if not low <= key <= high:
            del result[key]
    return result


def _sort(items: Any) -> list[Any]:
    expect(items, list, "dictionary")
    if not (all(map(is_integer, items)) or all(isinstance(item, str) for item in items)):
        raise ValueError("dictionary must be all integers or all strings")
    return sorted(items)


def _split(text: Any, delimiter: Any) -> list[str]:
    text, delimiter = expect(text, str, "dictionary"), expect(delimiter, str, "delim")
    return text.split(delimiter) if delimiter else list(text)


def _range(first: Any, last: Any) -> list[int]:
    low, high = expect(first, int, "from"), expect(last, int, "to")
    if high - low >= RANGE_MAX:
        raise ValueError(f"more than {RANGE_MAX} numbers")
    return list(range(low, high + 1))


def _shuffle(dictionary: Any, seed: Any = 0) -> Any:
    """The same order for the same seed, so that all processes of a proxy build the same tree."""
    chance = random.Random(_int(seed))
    if isinstance(expect(dictionary, (list, dict), "dictionary"), list):
        return chance.sample(dictionary, len(dictionary))
    return dictionary  # an object has no order


def _hash(value: Any) -> int:
    return spooky_hash32(_str(expect(value, (str, int), "value")).encode(), HASH_SEED)


def _weighted_hash(dictionary: Any, key: Any) -> str:
    """A name of the object, by WeightedCh3 of `key` over the weights that the names have, in their order."""
    names = sorted(expect(dictionary, dict, "dictionary"))
    weights = tuple(float(expect(dictionary[name], (int, float), f"weight of {name}")) for name in names)
    if not names:
        raise ValueError("dictionary is empty")
    select = weighted_ch3([Node(name) for name in names], HashOptions(weights=weights))
    return str(names[select(_str(key).encode())])


def _is_local_ip(value: Any) -> bool:
    """Whether a socket can be bound to the address: then it is one of this machine's."""
    family = socket.AF_INET6 if ":" in expect(value, str, "value") else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((value, 0))
    except OSError:
        return False
    return True


def _fail(message: Any) -> None:
    raise ValueError(expect(message, str, "msg"))


_SIZED = (dict, list, str)

BUILTINS: dict[str, Builtin] = {
    "add": Builtin(("A", "B"), _on_integers(lambda a, b: a + b)),
    "and": Builtin(("A", "B"), _on_booleans(lambda a, b: a and b)),
    "bitwiseAnd": Builtin(("A", "B"), _on_integers(lambda a, b: a & b)),
    "bitwiseNot": Builtin(("A",), lambda a: ~expect(a, int, "A")),
    "bitwiseOr": Builtin(("A", "B"), _on_integers(lambda a, b: a | b)),
    "bool": Builtin(("value",), _bool),
    "contains": Builtin(("dictionary", "key"), _contains),
    "div": Builtin(("A", "B"), _on_integers(_divide)),
    "double": Builtin(("value",), _double),
    "empty": Builtin(("dictionary",), lambda value: not expect(value, _SIZED, "dictionary")),
    "equals": Builtin(("A", "B"), same),
    "fail": Builtin(("msg",), _fail),
    "hash": Builtin(("value",), _hash),
    "int": Builtin(("value",), _int),
    "isArray": Builtin(("value",), lambda value: isinstance(value, list)),
    "isBool": Builtin(("value",), lambda value: isinstance(value, bool)),
    "isInt": Builtin(("value",), is_integer),
    "isLocalIp": Builtin(("value",), _is_local_ip),
    "isNumber": Builtin(("value",), lambda value: is_integer(value) or isinstance(value, float)),
    "isObject": Builtin(("value",), lambda value: isinstance(value, dict)),
    "isString": Builtin(("value",), lambda value: isinstance(value, str)),
    "keys": Builtin(("dictionary",), lambda value: list(expect(value, dict, "dictionary"))),
    "less": Builtin(("A", "B"), _less),
    "merge": Builtin(("params",), _merge),
    "mod": Builtin(("A", "B"), _on_integers(lambda a, b: a - b * _divide(a, b))),
    "mul": Builtin(("A", "B"), _on_integers(lambda a, b: a * b)),
    "not": Builtin(("A",), lambda a: not expect(a, bool, "A")),
    "or": Builtin(("A", "B"), _on_booleans(lambda a, b: a or b)),
    "range": Builtin(("from", "to"), _range),
    "set": Builtin(("dictionary", "key", "value"), _set),
    "shuffle": Builtin(("dictionary", "seed"), _shuffle, optional=1),
    "size": Builtin(("dictionary",), lambda value: len(expect(value, _SIZED, "dictionary"))),
    "slice": Builtin(("dictionary", "from", "to"), _slice),
    "sort": Builtin(("dictionary",), _sort),
    "split": Builtin(("dictionary", "delim"), _split),
    "str": Builtin(("value",), _str),
    "sub": Builtin(("A", "B"), _on_integers(lambda a, b: a - b)),
    "values": Builtin(("dictionary",), lambda value: list(expect(value, dict, "dictionary").values())),
    "weightedHash": Builtin(("dictionary", "key"), _weighted_hash),
}
