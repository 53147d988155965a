"""Tells a chat what happens to devices, how many it told of today, and on how many days it ran."""

import json
from urllib.parse import urlencode, urlsplit

from misdeeds import MISDEEDS
from myrelay_sdk import error, failure, guard, life, now, problems, settings
from myrelay_sdk.http import Auth_Bearer, ask
from myrelay_sdk.memory import recall, remember
from wit_world import exports
from wit_world.imports import context, kv
from wit_world.imports.types import ErrorKind

WORDS = {
    "peer.added.v1": "A device was added",
    "peer.removed.v1": "A device was removed",
}


def today():
    """Where the number of today's messages stands.

    Events of several accounts come side by side, and of two at once it counts one:
    `compare_and_set` of the interface would count both.
    """
    return f"told/{now().date().isoformat()}"


def told():
    return int(recall(today()) or 0)


def is_room(text):
    try:
        return urlsplit(text).path.startswith("/hooks/")
    except ValueError:
        # It is no address at all. What `wrong` raises would stand beside no field.
        return False


def wrong(candidate):
    message = "the address of a room of the chat: its path begins with /hooks/"
    return problems(candidate, lambda it: [] if is_room(it["room"]) else [("/room", message)])


def ready():
    return f"{told()} messages today"


# As in plugin.toml.
VERSION = "0.2.0"


def numbers(version):
    """The three numbers of a version, without what may stand behind them: `0.2.0-beta.1`."""
    return [int(it) for it in version.replace("+", "-").split("-")[0].split(".")]


@guard
class Lifecycle(
    life(id="dev.myrelay.sample-chat-python", version=VERSION, problems=wrong, ready=ready)
):
    def migrate(self, from_version):
        """Brings over what any earlier version remembered. A change of the form is one `if`, which
        stays in all versions to come."""
        before = numbers(from_version)
        if numbers(VERSION) < before:
            # The operator went back, and nobody here knows what the later version wrote.
            raise error(ErrorKind.CONFLICT, f"what {from_version} remembered is not known here")
        # Before 0.2.0 there was one number for all days; since then there is one for each.
        if before < numbers("0.2.0"):
            remember("told/before", recall("told") or "0")


def count(key):
    """Counts one more, however many calls count at the same time: where another one did so meanwhile,
    the host forgets what this call wanted and makes it again."""
    entry = kv.get(key)
    count = int(entry.value if entry else 0) + 1
    kv.compare_and_set(key, entry.version if entry else None, str(count).encode(), None)
    return count


@guard
class Jobs(exports.Jobs):
    def run(self, job):
        if job != "count":
            raise error(ErrorKind.NOT_FOUND, f"there is no job {job}")
        print("days", count("days"))


@guard
class Events(exports.Events):
    def handle(self, event):
        if event.type_name in MISDEEDS:
            MISDEEDS[event.type_name](event.data)
        data = json.loads(event.data)
        status, value = ask(
            "the chat",
            "post",
            f"{settings()['room']}?{urlencode({'pod': data['pod']})}",
            headers={
                "Content-Type": "application/json",
                "Idempotency-Key": context.idempotency_key("message"),
            },
            auth=Auth_Bearer("token"),
            body=json.dumps(
                {"text": f"{WORDS[event.type_name]} – {data['peer']}"}, ensure_ascii=False
            ),
            timeout_ms=5000,
        )
        if 500 <= status:
            raise error(failure(status), f"the chat said {status}")
        if 300 <= status:
            raise error(ErrorKind.INVALID_INPUT, f"the chat said {status}")
        count = told() + 1
        remember(today(), str(count))
        # The line ends where the call does.
        print("told", value["id"], count, end="")
