"""What a plugin says went wrong."""

import re

from wit_world.imports.types import Error, ErrorKind

# How long to wait where the other side does not say, in milliseconds.
_USUAL_WAIT_MS = 5_000

# The longest text of somebody else's that is handed on, in characters.
_LINE_LENGTH = 500

_HOSTILE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


class PluginError(Exception):
    """A failure by what it means for what happens next: raise it."""

    def __init__(self, kind, message, public_message=None, retry_after_ms=None, provider_code=None):
        super().__init__(message)
        self.kind = kind
        self.more = (public_message, retry_after_ms, provider_code)

    def told(self):
        """As the interface has it."""
        return Error(self.kind, line(str(self)), *self.more)


def error(kind, message):
    """An error to raise, with nothing but its kind and what operators read."""
    return PluginError(kind, message)


def failure(status, again=False):
    """What a status of 500 and beyond means: a gateway may give up on what was done behind it, but
    who says 503 did nothing. With `again` the request may be repeated."""
    return ErrorKind.UNAVAILABLE if again or status == 503 else ErrorKind.INDETERMINATE


def rate_limited(whom, seconds=None):
    """That there were too many requests; with how long to wait, as the other side said it."""
    wait = _USUAL_WAIT_MS if seconds is None else seconds * 1000
    return PluginError(
        ErrorKind.RATE_LIMITED, f"{whom} gets too many requests", retry_after_ms=wait
    )


def line(text):
    """Somebody else's text as one line without control characters, which the host would refuse."""
    return _HOSTILE.sub(" ", text[:_LINE_LENGTH])


def shown(why):
    """Anything that was raised, in words. An error of the host's is a case, perhaps with a value."""
    case = getattr(why, "value", None)
    if case is None:
        return f"{type(why).__name__}: {why}"
    name = type(case).__name__.removeprefix("Error_")
    value = getattr(case, "value", None)
    return name if value is None else f"{name}: {value}"
