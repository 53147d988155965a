"""Hands every message to a service by HTTP, with a token."""

import json

from myrelay_sdk import PluginError, guard, life, settings
from service import post, wrong
from wit_world import exports
from wit_world.exports.notifier import (
    Outcome_Rejected,
    Outcome_Sent,
    Permanent_InvalidAddress,
    Receipt,
    Urgency,
    Verification,
)
from wit_world.imports import log
from wit_world.imports.types import ErrorKind

Lifecycle = life(
    # As plugin.toml says: the host compares.
    id="{{id}}",
    version="0.1.0",
    problems=wrong,
    # Whether it can do its work, for the operator.
    ready=lambda: f"posts to {settings()['endpoint']}",
)


def id_in(answer):
    """The service's id of the message, where it answers with JSON that has one."""
    try:
        found = json.loads(answer).get("id")
    except (ValueError, AttributeError):
        return None
    return found if isinstance(found, str) else None


@guard
class Notifier(exports.Notifier):
    def begin_verification(self, account, address):
        if "@" not in address:
            raise PluginError(
                ErrorKind.INVALID_INPUT,
                "an address without an @",
                # What the customer reads, in their language where the plugin has it.
                public_message="A mail address has an @ in it",
            )
        return Verification(f"A code comes to {address}: type it here.", None)

    def deliver(self, to, message):
        if "@" not in to.address:
            return Outcome_Rejected(Permanent_InvalidAddress(to.address))
        answer = post(
            {
                "from": settings()["from"],
                "to": to.address,
                "subject": message.subject,
                "text": message.text,
                "html": message.html,
                "urgent": message.urgency == Urgency.HIGH,
            }
        )
        log.log(log.Level.INFO, "sent", [("template", message.template)])
        return Outcome_Sent(Receipt(id_in(answer)))
