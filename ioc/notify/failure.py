"""What went wrong with sending, and whether another attempt may help."""


class NotSent(Exception):
    """A letter was not taken; `final` where another attempt would end the same way."""

    def __init__(self, detail: str, *, final: bool = False) -> None:
        """Say what happened, without any secret."""
        super().__init__(detail)
        self.detail = detail[:500]
        self.final = final
