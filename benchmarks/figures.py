"""A figure that is no row: one number for each contender, and what is to be reached."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """`values` by contender, the original first (or ours alone)."""

    what: str
    unit: str
    values: dict[str, float]
    reach: float | None = None  # ours ÷ the original's at most, or ours itself if `absolute`
    absolute: bool = False

    @property
    def ours(self) -> float:
        return list(self.values.values())[-1]

    @property
    def ratio(self) -> float | None:
        """None where there is nothing to divide by."""
        theirs = next(iter(self.values.values()))
        return self.ours / theirs if len(self.values) > 1 and theirs else None

    @property
    def reached(self) -> bool | None:
        """None if nothing is to be reached."""
        if self.reach is None:
            return None
        measured = self.ours if self.absolute else self.ratio
        return measured is not None and measured <= self.reach
