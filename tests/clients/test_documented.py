"""docs/clients.md names every module here that tests a client."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent.parent / "docs" / "clients.md"


def test_every_module_is_on_the_page() -> None:
    modules = {path.name for path in HERE.glob("test_*.py")} - {Path(__file__).name}
    text = PAGE.read_text()
    assert len(modules) >= 6
    assert [name for name in sorted(modules) if f"`{name}`" not in text] == []
