"""What events hold, a type for each: `cargo xtask events` writes this file by `plugins/events`.
Fields may come later; none goes.

    added: PeerAdded = told(event)
"""

import json
from typing import Any, NotRequired, TypedDict

from wit_world.imports.types import ErrorKind

from .errors import error


def told(event: Any) -> Any:
    """What an event holds, as a dictionary: `event.type_name` says of which of these types."""
    try:
        return json.loads(event.data)
    except ValueError as why:
        raise error(ErrorKind.INVALID_INPUT, f"the data of {event.type_name}: {why}") from why

# account.created.v1: An account was made.
AccountCreated = TypedDict(
    "AccountCreated",
    {
        # The account's id.
        "account": str,
    },
)

# account.plan-changed.v1: An account has another plan.
AccountPlanChanged = TypedDict(
    "AccountPlanChanged",
    {
        # The account's id.
        "account": str,
        # The id of the plan from now on.
        "plan": str,
    },
)

# account.resumed.v1: A suspended account may be used again.
AccountResumed = TypedDict(
    "AccountResumed",
    {
        # The account's id.
        "account": str,
    },
)

# account.suspended.v1: An account is suspended: its pods stand still.
AccountSuspended = TypedDict(
    "AccountSuspended",
    {
        # The account's id.
        "account": str,
    },
)

# channel.removed.v1: A customer removed a channel for messages.
ChannelRemoved = TypedDict(
    "ChannelRemoved",
    {
        # The channel's id.
        "channel": str,
    },
)

# channel.verified.v1: A customer confirmed a channel for messages.
ChannelVerified = TypedDict(
    "ChannelVerified",
    {
        # The channel's id.
        "channel": str,
    },
)

# invoice.opened.v1: There is something to be paid.
InvoiceOpened = TypedDict(
    "InvoiceOpened",
    {
        # The invoice's id.
        "invoice": str,
        # The subscription's id.
        "subscription": str,
        # How much, in the smallest unit of the currency: cents.
        "amount": int,
        # The currency, by its three letters: EUR.
        "currency": str,
    },
)

# invoice.paid.v1: An invoice is paid.
InvoicePaid = TypedDict(
    "InvoicePaid",
    {
        # The invoice's id.
        "invoice": str,
        # The subscription's id.
        "subscription": str,
    },
)

# node.added.v1: An operator added a node, which has not joined yet.
NodeAdded = TypedDict(
    "NodeAdded",
    {
        # The node's id.
        "node": str,
    },
)

# node.drain-started.v1: A node takes no new pods from now on.
NodeDrainStarted = TypedDict(
    "NodeDrainStarted",
    {
        # The node's id.
        "node": str,
    },
)

# node.drain-stopped.v1: A node takes new pods again.
NodeDrainStopped = TypedDict(
    "NodeDrainStopped",
    {
        # The node's id.
        "node": str,
    },
)

# node.joined.v1: The machine of a node is there and has an identity.
NodeJoined = TypedDict(
    "NodeJoined",
    {
        # The node's id.
        "node": str,
    },
)

# node.quarantined.v1: Two agents have the identity of one node: it is trusted with nothing more.
NodeQuarantined = TypedDict(
    "NodeQuarantined",
    {
        # The node's id.
        "node": str,
    },
)

# node.resolver-changed.v1: A node answers its devices' DNS in another way.
NodeResolverChanged = TypedDict(
    "NodeResolverChanged",
    {
        # The node's id.
        "node": str,
    },
)

# node.retired.v1: A node is given up.
NodeRetired = TypedDict(
    "NodeRetired",
    {
        # The node's id.
        "node": str,
    },
)

# node.usage-refused.v1: A node told usage that cannot be.
NodeUsageRefused = TypedDict(
    "NodeUsageRefused",
    {
        # The node's id.
        "node": str,
    },
)

# operator.created.v1: There is a new operator.
OperatorCreated = TypedDict(
    "OperatorCreated",
    {
        # The operator's id.
        "operator": str,
    },
)

# payment.disputed.v1: A customer had a payment disputed by their bank.
PaymentDisputed = TypedDict(
    "PaymentDisputed",
    {
        # The payment's id.
        "payment": str,
    },
)

# payment.failed.v1: A payment was tried and failed.
PaymentFailed = TypedDict(
    "PaymentFailed",
    {
        # The provider's word for why.
        "code": str,
        # The id of the invoice it was for, where it was for one.
        "invoice": NotRequired[str],
    },
)

# payment.received.v1: A payment arrived.
PaymentReceived = TypedDict(
    "PaymentReceived",
    {
        # The payment's id.
        "payment": str,
        # How much, in the smallest unit of the currency: cents.
        "amount": int,
        # The currency, by its three letters: EUR.
        "currency": str,
        # The id of the invoice it is for, where it is for one.
        "invoice": NotRequired[str],
    },
)

# payment.refund-failed.v1: A refund came back, and the payment is ours again.
PaymentRefundFailed = TypedDict(
    "PaymentRefundFailed",
    {
        # The payment's id.
        "payment": str,
        # How much, in the smallest unit of the currency: cents.
        "amount": int,
        # The currency, by its three letters: EUR.
        "currency": str,
    },
)

# payment.refunded.v1: A payment went back, in whole or in part.
PaymentRefunded = TypedDict(
    "PaymentRefunded",
    {
        # The payment's id.
        "payment": str,
        # How much, in the smallest unit of the currency: cents.
        "amount": int,
        # The currency, by its three letters: EUR.
        "currency": str,
    },
)

# peer.added.v1: A device was added to a pod.
PeerAdded = TypedDict(
    "PeerAdded",
    {
        # The device's id.
        "peer": str,
        # The id of its pod.
        "pod": str,
    },
)

# peer.removed.v1: A device was removed from a pod.
PeerRemoved = TypedDict(
    "PeerRemoved",
    {
        # The device's id.
        "peer": str,
        # The id of the pod it was in.
        "pod": str,
    },
)

# peer.routes-changed.v1: Other networks go through a device's tunnel.
PeerRoutesChanged = TypedDict(
    "PeerRoutesChanged",
    {
        # The device's id.
        "peer": str,
        # The id of its pod.
        "pod": str,
    },
)

# plan.added.v1: There is a new plan.
PlanAdded = TypedDict(
    "PlanAdded",
    {
        # The plan's id.
        "plan": str,
    },
)

# plan.made-default.v1: New accounts have this plan from now on.
PlanMadeDefault = TypedDict(
    "PlanMadeDefault",
    {
        # The plan's id.
        "plan": str,
    },
)

# plan.removed.v1: A plan is gone.
PlanRemoved = TypedDict(
    "PlanRemoved",
    {
        # The plan's id.
        "plan": str,
    },
)

# plan.withdrawn.v1: A plan is not offered any more.
PlanWithdrawn = TypedDict(
    "PlanWithdrawn",
    {
        # The plan's id.
        "plan": str,
    },
)

# plugin.disabled.v1: An operator disabled a plugin.
PluginDisabled = TypedDict(
    "PluginDisabled",
    {
        # The id of the installation.
        "plugin": str,
    },
)

# plugin.enabled.v1: An operator enabled a plugin.
PluginEnabled = TypedDict(
    "PluginEnabled",
    {
        # The id of the installation.
        "plugin": str,
    },
)

# plugin.installed.v1: An operator installed a plugin.
PluginInstalled = TypedDict(
    "PluginInstalled",
    {
        # The id of the installation.
        "plugin": str,
        # The plugin's own id, a reverse domain name.
        "name": str,
        # Its version.
        "version": str,
    },
)

# plugin.removed.v1: An operator removed a plugin.
PluginRemoved = TypedDict(
    "PluginRemoved",
    {
        # The id of the installation.
        "plugin": str,
        # The plugin's own id, a reverse domain name.
        "name": str,
    },
)

# plugin.stopped.v1: The portal stopped a plugin that fails all the time.
PluginStopped = TypedDict(
    "PluginStopped",
    {
        # The id of the installation.
        "plugin": str,
    },
)

# plugin.upgraded.v1: A plugin has another version, or other settings: then from and to are the same.
PluginUpgraded = TypedDict(
    "PluginUpgraded",
    {
        # The id of the installation.
        "plugin": str,
        # The version before.
        "from": str,
        # The version from now on.
        "to": str,
    },
)

# pod.changed.v1: A customer changed a pod's settings.
PodChanged = TypedDict(
    "PodChanged",
    {
        # The pod's id.
        "pod": str,
        # Whether its devices reach each other.
        "devices_meet": bool,
    },
)

# pod.created.v1: A customer has a pod in a location.
PodCreated = TypedDict(
    "PodCreated",
    {
        # The pod's id.
        "pod": str,
        # The id of the node that serves it.
        "node": str,
    },
)

# pod.deleted.v1: A pod is gone.
PodDeleted = TypedDict(
    "PodDeleted",
    {
        # The pod's id.
        "pod": str,
        # The id of the node that served it.
        "node": str,
    },
)

# pod.moved.v1: A pod is served by another node.
PodMoved = TypedDict(
    "PodMoved",
    {
        # The pod's id.
        "pod": str,
        # The id of the node before.
        "from": str,
        # The id of the node from now on.
        "to": str,
    },
)

# pod.paused.v1: A customer paused a pod.
PodPaused = TypedDict(
    "PodPaused",
    {
        # The pod's id.
        "pod": str,
    },
)

# pod.resumed.v1: A customer resumed a pod.
PodResumed = TypedDict(
    "PodResumed",
    {
        # The pod's id.
        "pod": str,
    },
)

# session.started.v1: A customer signed in.
SessionStarted = TypedDict(
    "SessionStarted",
    {
        # The account's id.
        "account": str,
    },
)

# subscription.ended.v1: A subscription ended.
SubscriptionEnded = TypedDict(
    "SubscriptionEnded",
    {
        # The subscription's id.
        "subscription": str,
        # The id of its plan.
        "plan": str,
    },
)

# subscription.expiring.v1: A subscription ends soon if nobody pays.
SubscriptionExpiring = TypedDict(
    "SubscriptionExpiring",
    {
        # The subscription's id.
        "subscription": str,
        # The id of its plan.
        "plan": str,
        # Until when it is paid, in milliseconds since 1970 UTC.
        "paid_until": int,
    },
)

# subscription.past-due.v1: A subscription was not paid in time.
SubscriptionPastDue = TypedDict(
    "SubscriptionPastDue",
    {
        # The subscription's id.
        "subscription": str,
        # The id of its plan.
        "plan": str,
        # Until when it is paid, in milliseconds since 1970 UTC.
        "paid_until": int,
    },
)

# subscription.renewed.v1: A subscription is paid for one period more.
SubscriptionRenewed = TypedDict(
    "SubscriptionRenewed",
    {
        # The subscription's id.
        "subscription": str,
        # The id of its plan.
        "plan": str,
        # The invoice's id.
        "invoice": str,
        # Until when it is paid, in milliseconds since 1970 UTC.
        "paid_until": int,
    },
)

# subscription.started.v1: A subscription is paid for the first time.
SubscriptionStarted = TypedDict(
    "SubscriptionStarted",
    {
        # The subscription's id.
        "subscription": str,
        # The id of its plan.
        "plan": str,
        # The invoice's id.
        "invoice": str,
        # Until when it is paid, in milliseconds since 1970 UTC.
        "paid_until": int,
    },
)

# token.created.v1: A customer made a token for a pod.
TokenCreated = TypedDict(
    "TokenCreated",
    {
        # The token's id.
        "token": str,
        # The id of the pod that it manages.
        "pod": str,
    },
)

# token.revoked.v1: A token for a pod is no longer good.
TokenRevoked = TypedDict(
    "TokenRevoked",
    {
        # The token's id.
        "token": str,
        # The id of the pod that it managed.
        "pod": str,
    },
)

# usage.quota-100.v1: An account used up its data of the month in a location.
UsageQuota100 = TypedDict(
    "UsageQuota100",
    {
        # The account's id.
        "account": str,
        # The location's id.
        "location": str,
        # When the month of the quota began, in milliseconds since 1970 UTC.
        "period_at": int,
    },
)

# usage.quota-80.v1: An account used 80 % of its data of the month in a location.
UsageQuota80 = TypedDict(
    "UsageQuota80",
    {
        # The account's id.
        "account": str,
        # The location's id.
        "location": str,
        # When the month of the quota began, in milliseconds since 1970 UTC.
        "period_at": int,
    },
)
