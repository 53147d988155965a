"""Takes payments by bank transfer: tells customers where to send money and what to write into the
transfer. That it arrived is what the operator says."""

import re

from myrelay_sdk import PluginError, error, guard, life, problems, settings, total
from wit_world import exports
from wit_world.exports.billing import (
    Capabilities,
    Checkout,
    NextStep_Instructions,
    PaymentInstructions,
    Quote,
)
from wit_world.exports.webhooks import Outcome_Rejected, Rejection_UnknownEndpoint
from wit_world.imports import clock
from wit_world.imports.types import ErrorKind

DAY_MS = 24 * 60 * 60 * 1000


def expires_at():
    """How long a customer has to pay."""
    return clock.now() + settings()["days"] * DAY_MS


def needs_ours(amount):
    """The account takes one currency. What the customer reads of it is in their language where the
    plugin has it: `account.locale`."""
    ours = settings()["currency"]
    if amount.currency != ours:
        raise PluginError(
            ErrorKind.INVALID_INPUT,
            "another currency than the account's",
            public_message=f"This way to pay takes {ours} only",
        )


def is_iban(text):
    """Whether the check digits of ISO 13616 fit: the whole, its first four characters at the end and
    letters as numbers, leaves 1 when it is divided by 97."""
    letters = text.replace(" ", "")
    if not re.fullmatch("[A-Z0-9]{15,34}", letters):
        return False
    digits = "".join(str(int(it, 36)) for it in letters[4:] + letters[:4])
    return int(digits) % 97 == 1


def wrong(candidate):
    """What config.schema.json cannot say of the settings."""

    def look(it):
        advice = "it has a mistake: its check digits do not fit"
        return [] if is_iban(str(it.get("iban"))) else [("/iban", advice)]

    return problems(candidate, look)


Lifecycle = life(
    # As plugin.toml says: the host compares.
    id="{{id}}",
    version="0.1.0",
    problems=wrong,
    # Whether it can do its work, for the operator.
    ready=lambda: f"payments go to {settings()['iban']}",
)


@guard
class Billing(exports.Billing):
    def get_capabilities(self):
        return Capabilities(
            one_time=True,
            subscriptions=False,
            saved_methods=False,
            refunds=False,
            partial_refunds=False,
            metered=False,
            hosted_portal=False,
            currencies=[settings()["currency"]],
        )

    def price_quote(self, request):
        whole = total(amount for it in request.lines for amount in (it.amount, it.tax))
        needs_ours(whole)
        told = ["A transfer takes one to three days to arrive."]
        return Quote(request.lines, whole, expires_at(), told)

    def begin_checkout(self, request):
        invoice, has = request.invoice, settings()
        needs_ours(invoice.total)
        if invoice.total.minor <= 0:
            raise error(ErrorKind.INVALID_INPUT, "there is nothing to pay")
        step = PaymentInstructions(
            fields=[("Recipient", has["recipient"]), ("IBAN", has["iban"]), ("Bank", has["bank"])],
            reference=invoice.number or invoice.id,
            expires_at=expires_at(),
        )
        return Checkout(request.client_reference, expires_at(), NextStep_Instructions(step))

    def charge_saved(self, invoice):
        raise error(ErrorKind.DENIED, "a bank transfer is made by the customer")

    def refund(self, payment, amount, reason):
        raise error(ErrorKind.DENIED, "send the money back at the bank")

    def cancel_subscription(self, subscription, at_period_end):
        raise error(ErrorKind.NOT_FOUND, "there are no subscriptions")

    def report_usage(self, batch):
        raise error(ErrorKind.DENIED, "usage is not paid for by transfer")

    def reconcile(self, provider_id):
        """Nobody but the operator can tell whether money came."""
        return []

    def customer_portal_url(self, account, return_url):
        raise error(ErrorKind.DENIED, "banks have no page for this")


@guard
class Webhooks(exports.Webhooks):
    def handle(self, request):
        """No bank calls us."""
        return Outcome_Rejected(Rejection_UnknownEndpoint())
