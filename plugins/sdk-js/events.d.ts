//! What events hold, an interface for each: `cargo xtask events` writes this file by
//! `plugins/events`. Fields may come later; none goes.

/**
 * What an event tells. An event that this SDK does not know yet comes in the same way, if
 * `plugin.toml` asks for it: give your `switch` a `default`.
 */
export function told(event: { typeName: string; data: string }): Told;

/** An account was made. */
export interface AccountCreated {
  /** The account's id. */
  account: string;
}

/** An account has another plan. */
export interface AccountPlanChanged {
  /** The account's id. */
  account: string;
  /** The id of the plan from now on. */
  plan: string;
}

/** A suspended account may be used again. */
export interface AccountResumed {
  /** The account's id. */
  account: string;
}

/** An account is suspended: its pods stand still. */
export interface AccountSuspended {
  /** The account's id. */
  account: string;
}

/** A customer removed a channel for messages. */
export interface ChannelRemoved {
  /** The channel's id. */
  channel: string;
}

/** A customer confirmed a channel for messages. */
export interface ChannelVerified {
  /** The channel's id. */
  channel: string;
}

/** There is something to be paid. */
export interface InvoiceOpened {
  /** The invoice's id. */
  invoice: string;
  /** The subscription's id. */
  subscription: string;
  /** How much, in the smallest unit of the currency: cents. */
  amount: number;
  /** The currency, by its three letters: EUR. */
  currency: string;
}

/** An invoice is paid. */
export interface InvoicePaid {
  /** The invoice's id. */
  invoice: string;
  /** The subscription's id. */
  subscription: string;
}

/** An operator added a node, which has not joined yet. */
export interface NodeAdded {
  /** The node's id. */
  node: string;
}

/** A node takes no new pods from now on. */
export interface NodeDrainStarted {
  /** The node's id. */
  node: string;
}

/** A node takes new pods again. */
export interface NodeDrainStopped {
  /** The node's id. */
  node: string;
}

/** The machine of a node is there and has an identity. */
export interface NodeJoined {
  /** The node's id. */
  node: string;
}

/** Two agents have the identity of one node: it is trusted with nothing more. */
export interface NodeQuarantined {
  /** The node's id. */
  node: string;
}

/** A node answers its devices' DNS in another way. */
export interface NodeResolverChanged {
  /** The node's id. */
  node: string;
}

/** A node is given up. */
export interface NodeRetired {
  /** The node's id. */
  node: string;
}

/** A node told usage that cannot be. */
export interface NodeUsageRefused {
  /** The node's id. */
  node: string;
}

/** There is a new operator. */
export interface OperatorCreated {
  /** The operator's id. */
  operator: string;
}

/** A customer had a payment disputed by their bank. */
export interface PaymentDisputed {
  /** The payment's id. */
  payment: string;
}

/** A payment was tried and failed. */
export interface PaymentFailed {
  /** The provider's word for why. */
  code: string;
  /** The id of the invoice it was for, where it was for one. */
  invoice?: string;
}

/** A payment arrived. */
export interface PaymentReceived {
  /** The payment's id. */
  payment: string;
  /** How much, in the smallest unit of the currency: cents. */
  amount: number;
  /** The currency, by its three letters: EUR. */
  currency: string;
  /** The id of the invoice it is for, where it is for one. */
  invoice?: string;
}

/** A refund came back, and the payment is ours again. */
export interface PaymentRefundFailed {
  /** The payment's id. */
  payment: string;
  /** How much, in the smallest unit of the currency: cents. */
  amount: number;
  /** The currency, by its three letters: EUR. */
  currency: string;
}

/** A payment went back, in whole or in part. */
export interface PaymentRefunded {
  /** The payment's id. */
  payment: string;
  /** How much, in the smallest unit of the currency: cents. */
  amount: number;
  /** The currency, by its three letters: EUR. */
  currency: string;
}

/** A device was added to a pod. */
export interface PeerAdded {
  /** The device's id. */
  peer: string;
  /** The id of its pod. */
  pod: string;
}

/** A device was removed from a pod. */
export interface PeerRemoved {
  /** The device's id. */
  peer: string;
  /** The id of the pod it was in. */
  pod: string;
}

/** Other networks go through a device's tunnel. */
export interface PeerRoutesChanged {
  /** The device's id. */
  peer: string;
  /** The id of its pod. */
  pod: string;
}

/** There is a new plan. */
export interface PlanAdded {
  /** The plan's id. */
  plan: string;
}

/** New accounts have this plan from now on. */
export interface PlanMadeDefault {
  /** The plan's id. */
  plan: string;
}

/** A plan is gone. */
export interface PlanRemoved {
  /** The plan's id. */
  plan: string;
}

/** A plan is not offered any more. */
export interface PlanWithdrawn {
  /** The plan's id. */
  plan: string;
}

/** An operator disabled a plugin. */
export interface PluginDisabled {
  /** The id of the installation. */
  plugin: string;
}

/** An operator enabled a plugin. */
export interface PluginEnabled {
  /** The id of the installation. */
  plugin: string;
}

/** An operator installed a plugin. */
export interface PluginInstalled {
  /** The id of the installation. */
  plugin: string;
  /** The plugin's own id, a reverse domain name. */
  name: string;
  /** Its version. */
  version: string;
}

/** An operator removed a plugin. */
export interface PluginRemoved {
  /** The id of the installation. */
  plugin: string;
  /** The plugin's own id, a reverse domain name. */
  name: string;
}

/** The portal stopped a plugin that fails all the time. */
export interface PluginStopped {
  /** The id of the installation. */
  plugin: string;
}

/** A plugin has another version, or other settings: then from and to are the same. */
export interface PluginUpgraded {
  /** The id of the installation. */
  plugin: string;
  /** The version before. */
  from: string;
  /** The version from now on. */
  to: string;
}

/** A customer changed a pod's settings. */
export interface PodChanged {
  /** The pod's id. */
  pod: string;
  /** Whether its devices reach each other. */
  devices_meet: boolean;
}

/** A customer has a pod in a location. */
export interface PodCreated {
  /** The pod's id. */
  pod: string;
  /** The id of the node that serves it. */
  node: string;
}

/** A pod is gone. */
export interface PodDeleted {
  /** The pod's id. */
  pod: string;
  /** The id of the node that served it. */
  node: string;
}

/** A pod is served by another node. */
export interface PodMoved {
  /** The pod's id. */
  pod: string;
  /** The id of the node before. */
  from: string;
  /** The id of the node from now on. */
  to: string;
}

/** A customer paused a pod. */
export interface PodPaused {
  /** The pod's id. */
  pod: string;
}

/** A customer resumed a pod. */
export interface PodResumed {
  /** The pod's id. */
  pod: string;
}

/** A customer signed in. */
export interface SessionStarted {
  /** The account's id. */
  account: string;
}

/** A subscription ended. */
export interface SubscriptionEnded {
  /** The subscription's id. */
  subscription: string;
  /** The id of its plan. */
  plan: string;
}

/** A subscription ends soon if nobody pays. */
export interface SubscriptionExpiring {
  /** The subscription's id. */
  subscription: string;
  /** The id of its plan. */
  plan: string;
  /** Until when it is paid, in milliseconds since 1970 UTC. */
  paid_until: number;
}

/** A subscription was not paid in time. */
export interface SubscriptionPastDue {
  /** The subscription's id. */
  subscription: string;
  /** The id of its plan. */
  plan: string;
  /** Until when it is paid, in milliseconds since 1970 UTC. */
  paid_until: number;
}

/** A subscription is paid for one period more. */
export interface SubscriptionRenewed {
  /** The subscription's id. */
  subscription: string;
  /** The id of its plan. */
  plan: string;
  /** The invoice's id. */
  invoice: string;
  /** Until when it is paid, in milliseconds since 1970 UTC. */
  paid_until: number;
}

/** A subscription is paid for the first time. */
export interface SubscriptionStarted {
  /** The subscription's id. */
  subscription: string;
  /** The id of its plan. */
  plan: string;
  /** The invoice's id. */
  invoice: string;
  /** Until when it is paid, in milliseconds since 1970 UTC. */
  paid_until: number;
}

/** A customer made a token for a pod. */
export interface TokenCreated {
  /** The token's id. */
  token: string;
  /** The id of the pod that it manages. */
  pod: string;
}

/** A token for a pod is no longer good. */
export interface TokenRevoked {
  /** The token's id. */
  token: string;
  /** The id of the pod that it managed. */
  pod: string;
}

/** An account used up its data of the month in a location. */
export interface UsageQuota100 {
  /** The account's id. */
  account: string;
  /** The location's id. */
  location: string;
  /** When the month of the quota began, in milliseconds since 1970 UTC. */
  period_at: number;
}

/** An account used 80 % of its data of the month in a location. */
export interface UsageQuota80 {
  /** The account's id. */
  account: string;
  /** The location's id. */
  location: string;
  /** When the month of the quota began, in milliseconds since 1970 UTC. */
  period_at: number;
}

/** An event that this SDK knows. */
export type Told =
  | { type: "account.created.v1"; data: AccountCreated }
  | { type: "account.plan-changed.v1"; data: AccountPlanChanged }
  | { type: "account.resumed.v1"; data: AccountResumed }
  | { type: "account.suspended.v1"; data: AccountSuspended }
  | { type: "channel.removed.v1"; data: ChannelRemoved }
  | { type: "channel.verified.v1"; data: ChannelVerified }
  | { type: "invoice.opened.v1"; data: InvoiceOpened }
  | { type: "invoice.paid.v1"; data: InvoicePaid }
  | { type: "node.added.v1"; data: NodeAdded }
  | { type: "node.drain-started.v1"; data: NodeDrainStarted }
  | { type: "node.drain-stopped.v1"; data: NodeDrainStopped }
  | { type: "node.joined.v1"; data: NodeJoined }
  | { type: "node.quarantined.v1"; data: NodeQuarantined }
  | { type: "node.resolver-changed.v1"; data: NodeResolverChanged }
  | { type: "node.retired.v1"; data: NodeRetired }
  | { type: "node.usage-refused.v1"; data: NodeUsageRefused }
  | { type: "operator.created.v1"; data: OperatorCreated }
  | { type: "payment.disputed.v1"; data: PaymentDisputed }
  | { type: "payment.failed.v1"; data: PaymentFailed }
  | { type: "payment.received.v1"; data: PaymentReceived }
  | { type: "payment.refund-failed.v1"; data: PaymentRefundFailed }
  | { type: "payment.refunded.v1"; data: PaymentRefunded }
  | { type: "peer.added.v1"; data: PeerAdded }
  | { type: "peer.removed.v1"; data: PeerRemoved }
  | { type: "peer.routes-changed.v1"; data: PeerRoutesChanged }
  | { type: "plan.added.v1"; data: PlanAdded }
  | { type: "plan.made-default.v1"; data: PlanMadeDefault }
  | { type: "plan.removed.v1"; data: PlanRemoved }
  | { type: "plan.withdrawn.v1"; data: PlanWithdrawn }
  | { type: "plugin.disabled.v1"; data: PluginDisabled }
  | { type: "plugin.enabled.v1"; data: PluginEnabled }
  | { type: "plugin.installed.v1"; data: PluginInstalled }
  | { type: "plugin.removed.v1"; data: PluginRemoved }
  | { type: "plugin.stopped.v1"; data: PluginStopped }
  | { type: "plugin.upgraded.v1"; data: PluginUpgraded }
  | { type: "pod.changed.v1"; data: PodChanged }
  | { type: "pod.created.v1"; data: PodCreated }
  | { type: "pod.deleted.v1"; data: PodDeleted }
  | { type: "pod.moved.v1"; data: PodMoved }
  | { type: "pod.paused.v1"; data: PodPaused }
  | { type: "pod.resumed.v1"; data: PodResumed }
  | { type: "session.started.v1"; data: SessionStarted }
  | { type: "subscription.ended.v1"; data: SubscriptionEnded }
  | { type: "subscription.expiring.v1"; data: SubscriptionExpiring }
  | { type: "subscription.past-due.v1"; data: SubscriptionPastDue }
  | { type: "subscription.renewed.v1"; data: SubscriptionRenewed }
  | { type: "subscription.started.v1"; data: SubscriptionStarted }
  | { type: "token.created.v1"; data: TokenCreated }
  | { type: "token.revoked.v1"; data: TokenRevoked }
  | { type: "usage.quota-100.v1"; data: UsageQuota100 }
  | { type: "usage.quota-80.v1"; data: UsageQuota80 };
