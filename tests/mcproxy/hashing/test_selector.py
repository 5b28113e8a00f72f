"""What all hash functions do the same way."""

from hashlib import md5

import pytest

from mcproxy.hashing import HASH_FUNCTIONS, HashOptions, Node
from mcproxy.hashing.selector import salted, tagged, weight_of
from tests.mcproxy.hashing.choosing import numbered, pods, select_by

BY_NAME = {"Rendezvous", "WeightedRendezvous", "ring", "ketama", "consistent", "rendezvous", "ring_hash"}
BY_INDEX = set(HASH_FUNCTIONS) - BY_NAME
# Long and unlike: the short FNVs of twemproxy put "user:0" to "user:299" on two of five nodes.
KEYS = [md5(key).hexdigest().encode() for key in numbered(b"user:%d", 300)]


def test_names() -> None:
    assert set(HASH_FUNCTIONS) == {
        "Ch3", "WeightedCh3", "Crc32", "ConstShard", "Rendezvous", "WeightedRendezvous",
        "ring", "ch3", "crc32", "ketama", "consistent", "rendezvous", "jump", "modula",
        "jump_hash", "ring_hash",
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(HASH_FUNCTIONS))
class TestEveryHashFunction:
    def test_zero_nodes(self, name: str) -> None:
        with pytest.raises(ValueError, match="zero nodes"):
            select_by(name, [])

    def test_one_node(self, name: str) -> None:
        assert set(map(select_by(name, 1, salt="x"), KEYS)) == {0}

    def test_every_node_is_used_and_nothing_else(self, name: str) -> None:
        assert set(map(select_by(name, 5), KEYS)) == set(range(5))

    def test_salt_is_appended_to_the_key(self, name: str) -> None:
        plain, with_salt = select_by(name, 5), select_by(name, 5, salt="é1")
        assert [with_salt(key) for key in KEYS] == [plain(key + "é1".encode()) for key in KEYS]
        assert [with_salt(key) for key in KEYS] != [plain(key) for key in KEYS]

    @pytest.mark.parametrize("length", [0, 1, 7, 8, 191, 192, 250])
    def test_key_of_any_bytes(self, name: str, length: int) -> None:
        assert select_by(name, 5)(bytes(range(250, 250 - length, -1))) in range(5)


@pytest.mark.parametrize("name", sorted(BY_INDEX))
def test_index_hash_keeps_the_slot_of_a_missing_node(name: str) -> None:
    whole, gap = select_by(name, 5), select_by(name, [*pods(3), None, *pods(5)[4:]])
    assert [gap(key) for key in KEYS] == [whole(key) for key in KEYS]


@pytest.mark.parametrize("name", sorted(BY_NAME))
class TestEveryNameHash:
    def test_missing_nodes_are_never_selected(self, name: str) -> None:
        assert set(map(select_by(name, [None, *pods(5)[1:3], None, *pods(5)[4:]]), KEYS)) == {1, 2, 4}

    def test_only_the_names_count(self, name: str) -> None:
        nodes = pods(5)
        shuffled = [nodes[index] for index in (3, 0, 4, 2, 1)]
        here, there = select_by(name, nodes), select_by(name, [None, *shuffled])
        assert [nodes[here(key)] for key in KEYS] == [[None, *shuffled][there(key)] for key in KEYS]

    def test_one_present_node(self, name: str) -> None:
        assert set(map(select_by(name, [None, Node("a", tag="t"), None]), KEYS)) == {1}

    def test_all_missing(self, name: str) -> None:
        with pytest.raises(ValueError, match="zero nodes: all are missing"):
            select_by(name, [None, None])

    def test_two_nodes_of_one_name(self, name: str) -> None:
        with pytest.raises(ValueError, match="two nodes are named 'a'"):
            select_by(name, [Node("a", tag="t"), Node("a", tag="t")])


def test_without_a_salt_the_selector_is_not_wrapped() -> None:
    select = select_by("jump", 3)
    assert salted(select, "") is select


@pytest.mark.parametrize(
    ("key", "hashed"),
    [
        (b"user:{7}:name", b"7"),
        (b"{a}{b}", b"a"),
        (b"a}{b}", b"b"),
        (b"{{a}", b"{a"),
        (b"{}:x", b"{}:x"),  # nothing between them
        (b"{}{x}", b"{}{x}"),
        (b"user:7}", b"user:7}"),
        (b"user:{7", b"user:{7"),
    ],
)
def test_of_a_key_with_a_tag_only_the_tag_is_hashed(key: bytes, hashed: bytes) -> None:
    seen: list[bytes] = []
    assert tagged(lambda key: len(seen.append(key) or seen), "{}")(key) == 1  # type: ignore[func-returns-value]
    assert seen == [hashed]


def test_a_tag_comes_before_the_salt() -> None:
    assert select_by("jump", 99, salt="s", hash_tag="()")(b"x(tag)") == select_by("jump", 99)(b"tags")


@pytest.mark.parametrize("hash_tag", ["{", "{}}", "é}"])
def test_a_tag_has_two_characters(hash_tag: str) -> None:
    with pytest.raises(ValueError, match="two ASCII characters"):
        select_by("jump", 3, hash_tag=hash_tag)


def test_weights_of_the_options_replace_those_of_the_nodes() -> None:
    node = Node("a", weight=3.0)
    assert weight_of(0, node, HashOptions()) == 3.0
    assert weight_of(0, node, HashOptions(weights=(0.25,))) == 0.25
    assert weight_of(1, node, HashOptions(weights=(0.25,))) == 0.5
    assert weight_of(1, None, HashOptions()) == 1.0
