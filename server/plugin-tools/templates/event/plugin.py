"""Tells a service by HTTP of everything that this plugin listens to, and counts it."""

import json

from myrelay_sdk import guard, life
from myrelay_sdk.memory import recall, remember
from service import post, wrong
from wit_world import exports
from wit_world.imports import log

# Where the number of events stands.
TOLD = "told"


def told():
    """How many events were told so far."""
    return int(recall(TOLD) or 0)


Lifecycle = life(
    # As plugin.toml says: the host compares.
    id="{{id}}",
    version="0.1.0",
    problems=wrong,
    # Whether it can do its work, for the operator.
    ready=lambda: f"{told()} events told",
)


@guard
class Events(exports.Events):
    def handle(self, event):
        post(
            {
                "id": event.id,
                "event": event.type_name,
                "account": event.account,
                "at": event.occurred_at,
                "data": json.loads(event.data),
            }
        )
        # It counts once this call returned ok, and not otherwise.
        remember(TOLD, str(told() + 1))
        log.log(log.Level.INFO, "told", [("event", event.type_name)])
