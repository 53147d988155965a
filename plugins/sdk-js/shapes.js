//! What functions of plugins answer, as plugins/wit/v1 says it. A test of server/plugin-tools writes
//! this file.

/**
 * A type: a word of JavaScript's, `bytes`, the name of another type, or what it is made of.
 * @typedef {string
 *   | { option: Shape }
 *   | { list: Shape }
 *   | { tuple: Shape[] }
 *   | { record: Record<string, Shape> }
 *   | { cases: string[] }
 *   | { variant: Record<string, Shape | null> }} Shape
 */

/** By the function. @type {Record<string, Shape>} */
export const answers = {
  beginCheckout: "billing/checkout",
  beginVerification: "notifier/verification",
  cancelSubscription: { list: "billing-types/effect" },
  chargeSaved: { list: "billing-types/effect" },
  compose: "invoicing/document",
  customerPortalUrl: "string",
  deliver: "notifier/outcome",
  describe: "lifecycle/info",
  getCapabilities: "billing/capabilities",
  handle: "webhooks/outcome",
  health: "lifecycle/health-report",
  priceQuote: "billing/quote",
  reconcile: { list: "billing-types/effect" },
  refund: { list: "billing-types/effect" },
  validateConfig: { list: "lifecycle/config-problem" },
};

/** By interface and name. @type {Record<string, Shape>} */
export const types = {
  "billing-types/confirmations": {
    record: {
      seen: "number",
      required: "number",
    },
  },
  "billing-types/customer-link": {
    record: {
      account: "string",
      providerId: "string",
    },
  },
  "billing-types/dispute": {
    record: {
      providerId: "string",
      payment: "string",
      amount: "types/money",
      fee: { option: "types/money" },
      state: "billing-types/dispute-state",
      occurredAt: "number",
    },
  },
  "billing-types/dispute-state": { cases: ["inquiry", "open", "won", "lost"] },
  "billing-types/effect": {
    variant: {
      "payment-pending": "billing-types/pending-payment",
      "payment-succeeded": "billing-types/payment",
      "payment-failed": "billing-types/failure",
      "payment-refunded": "billing-types/refund",
      "refund-failed": "billing-types/refund-failure",
      "payment-disputed": "billing-types/dispute",
      "payout-paid": "billing-types/payout",
      "subscription-changed": "billing-types/subscription-update",
      "customer-linked": "billing-types/customer-link",
      "checkout-expired": "string",
      "needs-reconcile": "string",
    },
  },
  "billing-types/failure": {
    record: {
      providerId: { option: "string" },
      invoice: { option: "string" },
      account: { option: "string" },
      code: "string",
      message: "string",
      retryable: "boolean",
      nextAttemptAt: { option: "number" },
    },
  },
  "billing-types/line": {
    record: {
      description: "string",
      price: { option: "string" },
      quantity: "types/decimal",
      amount: "types/money",
      tax: "types/money",
      taxCode: { option: "string" },
      periodStart: { option: "number" },
      periodEnd: { option: "number" },
    },
  },
  "billing-types/payment": {
    record: {
      providerId: "string",
      invoice: { option: "string" },
      account: { option: "string" },
      subscription: { option: "string" },
      amount: "types/money",
      fee: { option: "types/money" },
      occurredAt: "number",
    },
  },
  "billing-types/payout": {
    record: {
      providerId: "string",
      amount: "types/money",
      fee: { option: "types/money" },
      occurredAt: "number",
    },
  },
  "billing-types/pending-payment": {
    record: {
      providerId: "string",
      invoice: { option: "string" },
      account: { option: "string" },
      expected: "types/money",
      received: { option: "types/money" },
      confirmations: { option: "billing-types/confirmations" },
      reference: { option: "string" },
      occurredAt: "number",
    },
  },
  "billing-types/refund": {
    record: {
      providerId: "string",
      payment: "string",
      amount: "types/money",
      reason: { option: "string" },
      occurredAt: "number",
    },
  },
  "billing-types/refund-failure": {
    record: {
      providerId: "string",
      payment: "string",
      amount: "types/money",
      code: "string",
      message: "string",
      occurredAt: "number",
    },
  },
  "billing-types/subscription-state": { cases: ["pending", "trialing", "active", "past-due", "unpaid", "paused", "canceled", "expired"] },
  "billing-types/subscription-update": {
    record: {
      providerId: "string",
      account: "string",
      state: "billing-types/subscription-state",
      currentPeriodEnd: { option: "number" },
      cancelAtPeriodEnd: "boolean",
      observedAt: "number",
    },
  },
  "billing/capabilities": {
    record: {
      oneTime: "boolean",
      subscriptions: "boolean",
      savedMethods: "boolean",
      refunds: "boolean",
      partialRefunds: "boolean",
      metered: "boolean",
      hostedPortal: "boolean",
      currencies: { list: "string" },
    },
  },
  "billing/checkout": {
    record: {
      providerId: "string",
      expiresAt: "number",
      step: "billing/next-step",
    },
  },
  "billing/crypto-instructions": {
    record: {
      address: "string",
      amount: "types/money",
      uri: "string",
      expiresAt: "number",
      confirmations: "number",
    },
  },
  "billing/next-step": {
    variant: {
      "redirect": "string",
      "crypto": "billing/crypto-instructions",
      "instructions": "billing/payment-instructions",
      "done": { list: "billing-types/effect" },
    },
  },
  "billing/payment-instructions": {
    record: {
      fields: { list: { tuple: ["string", "string"] } },
      reference: "string",
      expiresAt: { option: "number" },
    },
  },
  "billing/quote": {
    record: {
      lines: { list: "billing-types/line" },
      total: "types/money",
      expiresAt: "number",
      disclosures: { list: "string" },
    },
  },
  "invoicing/document": {
    record: {
      template: "string",
      fields: "string",
      legalText: { list: "string" },
    },
  },
  "lifecycle/config-problem": {
    record: {
      path: "string",
      message: "string",
    },
  },
  "lifecycle/health-report": {
    record: {
      ok: "boolean",
      detail: "string",
    },
  },
  "lifecycle/info": {
    record: {
      id: "string",
      version: "string",
      apiVersion: "string",
    },
  },
  "notifier/outcome": {
    variant: {
      "sent": "notifier/receipt",
      "rejected": "notifier/permanent",
    },
  },
  "notifier/permanent": {
    variant: {
      "unreachable": "string",
      "unsubscribed": null,
      "invalid-address": "string",
    },
  },
  "notifier/receipt": {
    record: {
      providerId: { option: "string" },
    },
  },
  "notifier/verification": {
    record: {
      text: "string",
      link: { option: "string" },
    },
  },
  "types/decimal": {
    record: {
      mantissa: "number",
      scale: "number",
    },
  },
  "types/error": {
    record: {
      kind: "types/error-kind",
      message: "string",
      publicMessage: { option: "string" },
      retryAfterMs: { option: "number" },
      providerCode: { option: "string" },
    },
  },
  "types/error-kind": { cases: ["invalid-config", "invalid-input", "not-found", "conflict", "denied", "rate-limited", "unavailable", "indeterminate", "internal"] },
  "types/money": {
    record: {
      minor: "number",
      currency: "string",
    },
  },
  "webhooks/accepted": {
    record: {
      eventId: "string",
      effects: { list: "billing-types/effect" },
      status: { option: "number" },
      body: { option: "string" },
    },
  },
  "webhooks/outcome": {
    variant: {
      "accepted": "webhooks/accepted",
      "ignored": "string",
      "rejected": "webhooks/rejection",
    },
  },
  "webhooks/rejection": {
    variant: {
      "bad-signature": null,
      "stale": null,
      "malformed": "string",
      "unknown-endpoint": null,
    },
  },
};
