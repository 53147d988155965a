"""The service that this plugin hands things to."""

import json

from myrelay_sdk import error, failure, problems, rate_limited, settings
from myrelay_sdk.http import Auth_Bearer, retry_after, send
from wit_world.imports import context
from wit_world.imports.types import ErrorKind


def wrong(candidate):
    """What config.schema.json cannot say of the settings."""

    def look(it):
        example = "//api.example.com/" in str(it.get("endpoint"))
        advice = "this is the example's address: name your service's"
        return [("/endpoint", advice)] if example else []

    return problems(candidate, look)


def post(body):
    """Posts JSON to the endpoint of the settings, and returns what the service answered. The host
    fills the token in: this plugin never sees it."""
    answer = send(
        "the service",
        "post",
        settings()["endpoint"],
        headers={
            "Content-Type": "application/json",
            # The same in every try of one delivery, so that the service can tell.
            "Idempotency-Key": context.idempotency_key("post"),
        },
        auth=Auth_Bearer("token"),
        body=json.dumps(body, ensure_ascii=False, separators=(",", ":")),
        timeout_ms=5000,
        # Nobody knows that this service drops what it has already.
        again=False,
    )
    status = answer.status
    said = f"the service said {status}"
    if 200 <= status < 300:
        return answer.body.decode(errors="replace")
    if status in (401, 403):
        raise error(ErrorKind.INVALID_CONFIG, said)
    if status == 429:
        raise rate_limited("the service", retry_after(answer))
    raise error(failure(status) if 500 <= status else ErrorKind.INVALID_INPUT, said)
