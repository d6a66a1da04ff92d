"""Why an exchange with the outside did not succeed."""

from datetime import timedelta


class Failure(Exception):
    """The other side cannot be reached, or does not answer as it should; the text says why.

    `status` is that of its answer, if it gave one; `retry_after` is when it asked to be let alone
    until. With `ours` the other side was not reached for: it may be well all the same.
    """

    def __init__(
        self,
        detail: str,
        *,
        status: int | None = None,
        retry_after: timedelta | None = None,
        ours: bool = False,
    ) -> None:
        """Say what went wrong."""
        super().__init__(detail)
        self.detail = detail
        self.status = status
        self.retry_after = retry_after
        self.ours = ours
