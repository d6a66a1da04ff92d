"""The error tree: each class carries its HTTP status and its code in the catalogue."""

from collections.abc import Mapping


class IocError(Exception):
    """Something went wrong."""

    status = 500
    code = "internal"

    def __init__(self, message: str = "", **values: object) -> None:
        """Say what happened; `values` fill the catalogue's sentence and stand in the problem."""
        self.message = message or (self.__doc__ or "").strip()
        self.values: Mapping[str, object] = values
        super().__init__(self.message)


class Invalid(IocError):
    """The request cannot be understood; the detail says what to change."""

    status = 400
    code = "invalid"


class TooMuch(IocError):
    """The answer would take too long; the detail says what to narrow."""

    status = 400
    code = "too_much"


class NotSignedIn(IocError):
    """Sign in, or send a valid token, first."""

    status = 401
    code = "not_signed_in"


class NotPermitted(IocError):
    """This account or key may not do that."""

    status = 403
    code = "not_permitted"


class NotFound(IocError):
    """There is no such thing, or it may not be seen with this account."""

    status = 404
    code = "not_found"


class Conflict(IocError):
    """The thing has changed, or exists already."""

    status = 409
    code = "conflict"


class TooLarge(IocError):
    """The body is larger than the limit."""

    status = 413
    code = "too_large"


class UnsupportedFormat(IocError):
    """The content type or encoding is not one that this feed takes."""

    status = 415
    code = "unsupported_format"


class Busy(IocError):
    """The intake is full; nothing was taken, send it again after a pause."""

    status = 429
    code = "busy"
    retry_after = 1
    """Seconds after which a retry is welcome."""


class Unavailable(IocError):
    """A part that is needed is not reachable now; nothing was lost, try again."""

    status = 503
    code = "unavailable"


class ConfigError(IocError):
    """A setting or a file of the city is wrong; the message names the cure."""

    code = "config"
