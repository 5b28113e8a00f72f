import pytest

from mcproxy.atomic_file import write_atomically


def test_a_reader_keeps_the_old_file_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "a.json"
    write_atomically(path, "old é")
    with path.open(encoding="utf-8") as reader:
        write_atomically(path, "new")
        assert reader.read() == "old é"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_leaves_the_file_as_it_was(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="a"):
        write_atomically(tmp_path / "a", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "none" / "b", "text")


def test_a_long_name(tmp_path):
    path = tmp_path / ("x" * 250)
    write_atomically(path, "text")
    assert list(tmp_path.iterdir()) == [path]
