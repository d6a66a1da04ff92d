"""What went wrong with sending, and whether another attempt may help."""

from datetime import timedelta


class NotSent(Exception):
    """A letter was not taken; `final` where another attempt would end the same way.

    `retry_after` is when the other side asked to be let alone until.
    """

    def __init__(
        self, detail: str, *, final: bool = False, retry_after: timedelta | None = None
    ) -> None:
        """Say what happened, without any secret."""
        super().__init__(detail)
        self.detail = detail[:500]
        self.final = final
        self.retry_after = retry_after
