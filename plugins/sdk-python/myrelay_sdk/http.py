"""Requests, what their answers mean, and what it means that there is none. It takes
`[[capabilities.http]]`."""

import json

from componentize_py_types import Err
from wit_world.imports import http
from wit_world.imports.http import (
    Auth_Basic,
    Auth_BasicUser,
    Auth_Bearer,
    Method,
    Request,
)
from wit_world.imports.types import ErrorKind

from .errors import error, line, rate_limited, shown
from .headers import header

__all__ = [
    "Auth_Basic",
    "Auth_BasicUser",
    "Auth_Bearer",
    "ask",
    "header",
    "retry_after",
    "send",
    "unanswered",
]

_CERTAIN = {
    http.Error_Denied: ErrorKind.INVALID_CONFIG,
    http.Error_BlockedAddress: ErrorKind.INVALID_CONFIG,
    http.Error_Invalid: ErrorKind.INVALID_INPUT,
    http.Error_BudgetExceeded: ErrorKind.INTERNAL,
    http.Error_Dns: ErrorKind.UNAVAILABLE,
    http.Error_Connect: ErrorKind.UNAVAILABLE,
    http.Error_Tls: ErrorKind.UNAVAILABLE,
}


def unanswered(whom, why, again=False):
    """What follows from a request that got no answer. One that left may have been done, which is
    `indeterminate`; with `again` trying once more is safe, and the error is `unavailable`."""
    left = ErrorKind.UNAVAILABLE if again else ErrorKind.INDETERMINATE
    return error(_CERTAIN.get(type(why.value), left), f"{whom}: {shown(why)}")


def send(whom, method, url, headers=None, auth=None, body=None, timeout_ms=None, again=False):
    """Sends a request and waits for the answer, whatever its status. `method` is a word such as
    `post`, `headers` a dict, `body` a text or bytes, and `auth` a login that the host fills in."""
    body = body.encode() if isinstance(body, str) else body
    pairs = list((headers or {}).items())
    request = Request(Method[method.upper()], url, pairs, auth, body, timeout_ms)
    try:
        return http.send(request)
    except Err as why:
        raise unanswered(whom, why, again) from None


def ask(whom, method, url, again=False, **more):
    """Asks an API that answers in JSON: the status, and the value or None where it is no JSON. Raises
    what is the same everywhere: no answer, too many requests, a success that cannot be read."""
    answer = send(whom, method, url, again=again, **more)
    if answer.status == 429:
        raise rate_limited(whom, retry_after(answer))
    try:
        return answer.status, json.loads(answer.body)
    except ValueError:
        if not 200 <= answer.status < 300:
            return answer.status, None
    kind = ErrorKind.UNAVAILABLE if again else ErrorKind.INDETERMINATE
    said = line(answer.body.decode(errors="replace"))[:80]
    raise error(kind, f"{whom}: an answer that is no JSON: {said}")


def retry_after(answer):
    """The seconds of `Retry-After`; None where it is a date, since plugins know no exact time."""
    text = (header(answer.headers, "retry-after") or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
