"""The one error that ends a start."""


class StartError(Exception):
    """The daemon cannot start: one clear line for stderr, and the exit status that goes with it."""

    def __init__(self, text: str, exit_code: int = 1) -> None:
        super().__init__(text)
        self.text = text
        self.exit_code = exit_code
