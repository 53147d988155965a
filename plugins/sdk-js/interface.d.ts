//! The interface of plugins/wit/v1 as TypeScript sees it. Whole numbers beyond 2^53 lose their last
//! digits. Functions that fail throw the type that stands in their description.

/**
 * Writes to the plugin's log, which operators read. Lines beyond the limits are dropped and
 * counted; secrets and control characters are taken out.
 */
declare module "myrelay:plugin/log@1.0.0" {
  /** How much a line matters. */
  export type Level =
    | "trace"
    | "debug"
    | "info"
    | "warn"
    | "error";
  /** Writes one line with named values. */
  export function log(level: Level, message: string, fields: Array<[string, string]>): void;
  export {};
}

/** Chance that is the same in every try of one delivery. Never make keys of it. */
declare module "myrelay:plugin/random@1.0.0" {
  /** The next bytes, at most 4096 in one call altogether. */
  export function bytes(len: number): Uint8Array;
  export {};
}

/**
 * What the plugin remembers. Nobody else reads it, not even another installation of the plugin.
 *
 * Writes are seen by this call at once and by later calls only if this one returns ok: a trap, a
 * timeout or an error leaves nothing behind.
 */
declare module "myrelay:plugin/kv@1.0.0" {
  /** One remembered value. */
  export interface Entry {
    /** Its name: 1 to 256 bytes without control characters. */
    key: string;
    /** At most 64 KiB. */
    value: Uint8Array;
    /** Another number after every write. Compare it, and do not calculate with it. */
    version: number;
  }
  /** Some entries in the order of their keys. */
  export interface Page {
    entries: Array<Entry>;
    /** What to hand in as `after` to read on; none at the end. */
    next: string | null;
  }
  /** Why nothing was read or written. */
  export type Error =
    /** A limit is reached; the text names it. */
    | { tag: "quota-exceeded"; val: string }
    /** The entry has another version, which is this one, or none because there is no entry. */
    | { tag: "version-mismatch"; val: number | null }
    /** The key is empty, too long or has control characters. */
    | { tag: "invalid-key"; val: string }
    /** The store cannot be read now. */
    | { tag: "unavailable" };
  /**
   * Reads one entry.
   * @throws {Error}
   */
  export function get(key: string): Entry | null;
  /**
   * Writes an entry, whatever was there. With `ttl-ms` it is gone after that time.
   * @throws {Error}
   */
  export function set(key: string, value: Uint8Array, ttlMs: number | null): void;
  /**
   * Writes an entry if it has this version, or if there is none when `expected` is none, and
   * returns its new version. It holds to the end: where another call wrote the entry meanwhile,
   * the host discards what this call did and calls again.
   * @throws {Error}
   */
  export function compareAndSet(key: string, expected: number | null, value: Uint8Array, ttlMs: number | null): number;
  /**
   * Forgets an entry; there may be none.
   * @throws {Error}
   */
  function remove(key: string): void;
  export { remove as delete };
  /**
   * Reads up to `limit` entries, 100 at most, whose keys begin with `prefix` and come after `after`.
   * @throws {Error}
   */
  export function scan(prefix: string, after: string | null, limit: number): Page;
  export {};
}

/** Secrets, which the plugin uses and never sees. */
declare module "myrelay:plugin/secrets@1.0.0" {
  /** Why there is no such placeholder, or nothing was put away. */
  export type Error =
    /** The manifest names no such secret, or the operator has not given it. */
    | { tag: "unknown"; val: string }
    /** The manifest or the operator does not allow it; the text names the rule that would. */
    | { tag: "denied"; val: string };
  /**
   * A text that stands for the secret during this call. The host puts the secret in its place in
   * requests, only to the hosts and only in the places (header, query, path, body) that the
   * manifest names for it and the operator granted.
   * @throws {Error}
   */
  export function placeholder(name: string): string;
  /**
   * Puts away a secret that the provider made, such as a webhook's signing key. Only for names
   * that the manifest marks `generated`; it counts once this call returned ok.
   * @throws {Error}
   */
  export function put(name: string, value: string): void;
  export {};
}

/** What plugins should not write themselves. Keys are named, never handed over. */
declare module "myrelay:plugin/crypto@1.0.0" {
  /** A hash function. */
  export type Hash =
    | "sha256"
    | "sha512";
  /** How the key stands in the secret's text. */
  export type KeyEncoding =
    /** The text's bytes are the key. */
    | "utf8"
    /** Base64, standard or for URLs, padded or not. */
    | "base64"
    /** Hexadecimal digits. */
    | "hex"
    /** `whsec_` and base64, as Standard Webhooks writes it. */
    | "standard-webhooks";
  /** Why nothing was calculated. */
  export type Error =
    /** The manifest names no such secret, or the operator has not given it. */
    | { tag: "unknown-secret"; val: string }
    /** The secret's text is not in this encoding. */
    | { tag: "bad-key" }
    /**
     * The manifest or the operator does not allow this secret for HMAC; the text names the rule
     * that would.
     */
    | { tag: "denied"; val: string };
  /**
   * The HMAC of a message by a secret.
   * @throws {Error}
   */
  export function hmac(secret: string, encoding: KeyEncoding, hash: Hash, message: Uint8Array): Uint8Array;
  /**
   * Whether a message has this HMAC by a secret, compared in constant time. Prefer it to
   * comparing yourself.
   * @throws {Error}
   */
  export function hmacVerify(secret: string, encoding: KeyEncoding, hash: Hash, message: Uint8Array, tag: Uint8Array): boolean;
  /** Whether the signature of a message is by this key of 32 bytes. */
  export function ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  /** The hash of some bytes. */
  export function digest(hash: Hash, data: Uint8Array): Uint8Array;
  export {};
}

/**
 * Requests to other servers: to those that the manifest names and the operator granted, and to no
 * others. Redirects are answers like any other, cookies are not kept, and nothing is decompressed.
 */
declare module "myrelay:plugin/http@1.0.0" {
  /** What is asked. */
  export type Method =
    | "get"
    | "head"
    | "post"
    | "put"
    | "patch"
    | "delete";
  /**
   * A login that the host fills in, so that the plugin holds no credential. It is sent as
   * `Authorization`; the secret needs the place `auth`.
   */
  export type Auth =
    /** A bearer token: the secret's name. */
    | { tag: "bearer"; val: string }
    /** A user's name, and the name of the secret that is the password. */
    | { tag: "basic"; val: [string, string] }
    /** The name of the secret that is the user's name, with an empty password. */
    | { tag: "basic-user"; val: string };
  /** One request. */
  export interface Request {
    method: Method;
    /** Absolute, without user, password or fragment. */
    url: string;
    /**
     * The host sets `Host`, `Content-Length`, `User-Agent` and `Accept-Encoding`, and drops
     * what is between two neighbours only, such as `Connection`.
     */
    headers: Array<[string, string]>;
    auth: Auth | null;
    body: Uint8Array | null;
    /** How long to wait altogether; never longer than the limits say. */
    timeoutMs: number | null;
  }
  /** One answer, whatever its status. */
  export interface Response {
    status: number;
    /** Names in lower case; values that are no UTF-8 have marks in place of those bytes. */
    headers: Array<[string, string]>;
    body: Uint8Array;
  }
  /** Why there is no answer. */
  export type Error =
    /**
     * Not sent: the manifest or the operator does not allow it; the text names the rule that
     * would.
     */
    | { tag: "denied"; val: string }
    /** Not sent: the name leads to an address that plugins must not reach. */
    | { tag: "blocked-address"; val: string }
    /** Not sent: it is no request, for instance a header with a line break. */
    | { tag: "invalid"; val: string }
    /** Not sent: a limit of this call is reached; the text names it. */
    | { tag: "budget-exceeded"; val: string }
    /** Not sent: the name leads nowhere. */
    | { tag: "dns"; val: string }
    /** Not sent: nobody took the connection. */
    | { tag: "connect"; val: string }
    /** Not sent: the other side could not prove who it is. */
    | { tag: "tls"; val: string }
    /** Sent, and perhaps done: no answer came in time. */
    | { tag: "timeout" }
    /** Sent, and perhaps done: the connection ended before the answer did. */
    | { tag: "interrupted"; val: string }
    /** Sent, and most likely done: the answer is longer than this many bytes. */
    | { tag: "too-large"; val: number }
    /** Sent, and perhaps done: what came back is not HTTP. */
    | { tag: "protocol"; val: string };
  /**
   * Sends a request and waits for the whole answer.
   * @throws {Error}
   */
  export function send(request: Request): Response;
  export {};
}

/**
 * Mails by SMTP (RFC 5321): through the servers that the manifest names and the operator granted,
 * and through no others. The host speaks with the server, logs in, and writes the mail
 * (RFC 5322); the plugin says what stands in it.
 */
declare module "myrelay:plugin/smtp@1.0.0" {
  /** How others are kept from reading along. */
  export type Security =
    /** TLS from the first byte (RFC 8314), as on port 465. */
    | "tls"
    /** TLS after `STARTTLS` (RFC 3207), as on port 587. A server that has none gets nothing. */
    | "starttls"
    /** In clear, and so without a login: only to private addresses that the operator granted. */
    | "clear";
  /** A server that takes mails. */
  export interface Server {
    /** Its name in lower case, or its address. */
    host: string;
    port: number;
    security: Security;
  }
  /** Who logs in. */
  export type User =
    /** A name that is no secret. */
    | { tag: "name"; val: string }
    /** The name of a secret: some services take a token for it. */
    | { tag: "secret"; val: string };
  /**
   * A login that the host fills in, so that the plugin holds no password. Secrets need the place
   * `auth`.
   */
  export interface Login {
    user: User;
    /** The name of the secret that is the password. */
    password: string;
  }
  /** One mail to one person. What stands in its lines at the top has no line breaks. */
  export interface Mail {
    /** An address, or a name and an address: `Example VPN <hello@example.org>`. */
    sender: string;
    /** Where answers go, written like the sender; none where they go there. */
    replyTo: string | null;
    /** An address where the server sends what it could not deliver; none where that is the sender's. */
    bouncesTo: string | null;
    /** An address and nothing else, in ASCII but for its domain. */
    to: string;
    subject: string;
    /** The whole of it as plain text. */
    text: string;
    /** The whole of it as HTML. */
    html: string | null;
    /**
     * An `https` address where the reader ends such mails: by a POST at once (RFC 8058), or on
     * the page that is there. None for mails that nobody ends.
     */
    unsubscribe: string | null;
  }
  /** What a server says. */
  export interface Reply {
    /** Three digits (RFC 5321 section 4.2): 4xx is for now, 5xx is for good. */
    code: number;
    /** The enhanced code, such as `5.1.1` (RFC 3463), where the server has those. */
    enhanced: string | null;
    /** What it says about it, as one line. */
    text: string;
  }
  /** That a mail was taken. */
  export interface Receipt {
    /** The `Message-ID` that the host gave it, without its brackets: bounces name it. */
    messageId: string;
    /** What the server said, often with an id of its own. */
    reply: Reply;
  }
  /** Why a mail was not taken, or may not have been. */
  export type Error =
    /**
     * Not sent: the manifest or the operator does not allow it; the text names the rule that
     * would.
     */
    | { tag: "denied"; val: string }
    /** Not sent: the name leads to an address that plugins must not reach. */
    | { tag: "blocked-address"; val: string }
    /** Not sent: the sender, or where answers or bounces go, is no address. */
    | { tag: "invalid-sender"; val: string }
    /** Not sent: the recipient is no address, or none that the host can write. */
    | { tag: "invalid-recipient"; val: string }
    /** Not sent: it is no mail, for instance a subject with a line break. */
    | { tag: "invalid-mail"; val: string }
    /** Not sent: a limit of this call is reached; the text names it. */
    | { tag: "budget-exceeded"; val: string }
    /** Not sent: the name leads nowhere. */
    | { tag: "dns"; val: string }
    /** Not sent: nobody took the connection, or it ended before the mail was on its way. */
    | { tag: "connect"; val: string }
    /** Not sent: the server could not prove who it is. */
    | { tag: "tls"; val: string }
    /** Not sent: the server has no STARTTLS, or no login that the host knows. */
    | { tag: "unsupported"; val: string }
    /** Not sent: what answers does not speak SMTP. */
    | { tag: "protocol"; val: string }
    /** Not sent: the server takes nothing from this client, now or at all. */
    | { tag: "server-refused"; val: Reply }
    /** Not sent: the server does not take the login. */
    | { tag: "login-refused"; val: Reply }
    /** Not taken: the server does not take this sender's mails. */
    | { tag: "sender-refused"; val: Reply }
    /** Not taken: the server does not take mails for this address, or none of this sender to it. */
    | { tag: "recipient-refused"; val: Reply }
    /** Not taken: the server does not want this mail. */
    | { tag: "mail-refused"; val: Reply }
    /** Sent, and perhaps taken: no answer came in time. */
    | { tag: "timeout" }
    /** Sent, and perhaps taken: the connection ended before the answer did. */
    | { tag: "interrupted"; val: string };
  /**
   * Hands a mail to a server, and waits until it says that it has it. A mail that is tried again
   * has the same `Message-ID` in every try of one delivery. It counts as a request, whatever comes
   * of it, and waits `timeout-ms` altogether; never longer than the limits say.
   * @throws {Error}
   */
  export function send(server: Server, login: Login | null, mail: Mail, timeoutMs: number | null): Receipt;
  export {};
}

/**
 * Words that several interfaces share.
 *
 * Nothing published here changes its shape: the component model compares records, variants and
 * enums structurally, so one added case would break every plugin that was built before it.
 */
declare module "myrelay:plugin/types@1.0.0" {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  export type TimestampMs = number;
  /** An ISO 4217 code such as `EUR`, or a ticker such as `XMR`; upper case. */
  export type Currency = string;
  /** A JSON text in UTF-8. */
  export type Json = string;
  /**
   * An amount in the currency's smallest unit: cents, satoshi, piconero. There are no floating
   * point numbers anywhere in this package.
   */
  export interface Money {
    /** How many of the smallest unit; negative for a credit. */
    minor: number;
    /** Of which currency. */
    currency: Currency;
  }
  /** The number `mantissa * 10^-scale`: metered quantities, and prices below one cent. */
  export interface Decimal {
    /** The digits. */
    mantissa: number;
    /** How many of the digits stand after the point. */
    scale: number;
  }
  /** A customer, as far as a plugin needs to know one. */
  export interface AccountRef {
    /** The portal's id of the account. */
    id: string;
    /** The language to write to them in, as a BCP 47 tag such as `de` or `pt-BR`. */
    locale: string;
    /** The country the account states, as an ISO 3166-1 code of two letters. */
    country: string | null;
  }
  /** What went wrong, as far as it decides what happens next. */
  export type ErrorKind =
    /** The operator has to change the configuration; nothing is tried again before that. */
    | "invalid-config"
    /** The call itself cannot be done as asked; it is not tried again. */
    | "invalid-input"
    /** What the call is about is not there; it is not tried again. */
    | "not-found"
    /** It is done already, or the state does not allow it; it is not tried again. */
    | "conflict"
    /** The other side or a policy refused; it is not tried again. */
    | "denied"
    /** Too many requests; it is tried again after `retry-after-ms`. */
    | "rate-limited"
    /** The other side is away and certainly did nothing; it is tried again, ever more rarely. */
    | "unavailable"
    /**
     * It may have happened or not, as after a timeout once the request was sent. It is never
     * blindly tried again: the portal asks `billing.reconcile` first.
     */
    | "indeterminate"
    /** A fault of the plugin; it is tried again a few times. */
    | "internal";
  /** A failure that the plugin reports. */
  export interface Error {
    /** What it means for what happens next. */
    kind: ErrorKind;
    /** For operators and logs; customers never see it. */
    message: string;
    /** What a customer may read, in their language, as plain text. */
    publicMessage: string | null;
    /** How long to wait before the next try, where the other side said so. */
    retryAfterMs: number | null;
    /** The provider's own code such as `card_declined`, for support. */
    providerCode: string | null;
  }
  export {};
}

/** Prices, invoices, and what a provider says happened. */
declare module "myrelay:plugin/billing-types@1.0.0" {
  import type { Money } from "myrelay:plugin/types@1.0.0";
  import type { Decimal } from "myrelay:plugin/types@1.0.0";
  import type { TimestampMs } from "myrelay:plugin/types@1.0.0";
  import type { AccountRef } from "myrelay:plugin/types@1.0.0";
  /** How often a price is due. */
  export type Interval =
    | "one-time"
    | "day"
    | "week"
    | "month"
    | "year";
  /** What something costs. */
  export interface Price {
    /** The portal's id of the price. */
    id: string;
    /** The portal's id of what is sold. */
    product: string;
    /** For one interval, or for one unit of the meter. */
    amount: Money;
    interval: Interval;
    /** Due every so many intervals; 1 where it is due once. */
    intervalCount: number;
    /** The meter's name where usage is paid for. */
    metered: string | null;
  }
  /** One line of an invoice. */
  export interface Line {
    description: string;
    /** The price's id, where there is one. */
    price: string | null;
    quantity: Decimal;
    /** Without tax; negative for a credit. */
    amount: Money;
    tax: Money;
    taxCode: string | null;
    /** The period that is paid for. */
    periodStart: TimestampMs | null;
    periodEnd: TimestampMs | null;
  }
  /** What an account owes. */
  export interface Invoice {
    /** The portal's id. */
    id: string;
    /** The number it bears once it is final. */
    number: string | null;
    account: AccountRef;
    lines: Array<Line>;
    subtotal: Money;
    taxTotal: Money;
    total: Money;
    dueAt: TimestampMs | null;
  }
  /**
   * How the provider sees a subscription. Whether the customer has access is the portal's
   * decision, and this is one of the things it looks at.
   */
  export type SubscriptionState =
    | "pending"
    | "trialing"
    | "active"
    | "past-due"
    | "unpaid"
    | "paused"
    | "canceled"
    | "expired";
  /** How a dispute stands: only asked about, money withdrawn, given back, lost. */
  export type DisputeState =
    | "inquiry"
    | "open"
    | "won"
    | "lost";
  /** Money that arrived. Amounts are what the provider confirmed, never what was asked for. */
  export interface Payment {
    /** The provider's id: never the same for two payments. */
    providerId: string;
    /** What it pays for, as far as the provider knows: the portal's ids. */
    invoice: string | null;
    account: string | null;
    /** The provider's id of the subscription that it belongs to. */
    subscription: string | null;
    /** The whole, before the fee. */
    amount: Money;
    /** What the provider keeps. */
    fee: Money | null;
    occurredAt: TimestampMs;
  }
  /** How often a payment on a chain was confirmed. */
  export interface Confirmations {
    seen: number;
    required: number;
  }
  /** Money that is on its way and may still not arrive. */
  export interface PendingPayment {
    providerId: string;
    invoice: string | null;
    account: string | null;
    expected: Money;
    /** What was seen so far. */
    received: Money | null;
    confirmations: Confirmations | null;
    /** The transaction or the transfer, for support. */
    reference: string | null;
    occurredAt: TimestampMs;
  }
  /** A payment that did not happen. */
  export interface Failure {
    providerId: string | null;
    invoice: string | null;
    account: string | null;
    /** The provider's code. */
    code: string;
    message: string;
    /** Whether trying again can help. */
    retryable: boolean;
    /** When the provider tries again by itself. */
    nextAttemptAt: TimestampMs | null;
  }
  /** Money that went back. */
  export interface Refund {
    /** The provider's id of the refund. */
    providerId: string;
    /** The provider's id of the payment. */
    payment: string;
    amount: Money;
    reason: string | null;
    occurredAt: TimestampMs;
  }
  /** Money that should have gone back, and did not. */
  export interface RefundFailure {
    providerId: string;
    payment: string;
    amount: Money;
    code: string;
    message: string;
    occurredAt: TimestampMs;
  }
  /** A customer disputes a payment. */
  export interface Dispute {
    /** The provider's id of the dispute. */
    providerId: string;
    payment: string;
    amount: Money;
    /** What the provider charges for it. */
    fee: Money | null;
    state: DisputeState;
    occurredAt: TimestampMs;
  }
  /** Money that the provider sent on to the operator's bank. */
  export interface Payout {
    providerId: string;
    amount: Money;
    fee: Money | null;
    occurredAt: TimestampMs;
  }
  /** How a subscription stands at the provider. */
  export interface SubscriptionUpdate {
    /** The provider's id of the subscription. */
    providerId: string;
    account: string;
    state: SubscriptionState;
    currentPeriodEnd: TimestampMs | null;
    cancelAtPeriodEnd: boolean;
    /** When it was so: older news never replaces newer. */
    observedAt: TimestampMs;
  }
  /** The provider's id of an account. */
  export interface CustomerLink {
    account: string;
    providerId: string;
  }
  /** What the provider says happened. Plugins report; the portal checks it and writes it down. */
  export type Effect =
    | { tag: "payment-pending"; val: PendingPayment }
    | { tag: "payment-succeeded"; val: Payment }
    | { tag: "payment-failed"; val: Failure }
    | { tag: "payment-refunded"; val: Refund }
    | { tag: "refund-failed"; val: RefundFailure }
    | { tag: "payment-disputed"; val: Dispute }
    | { tag: "payout-paid"; val: Payout }
    | { tag: "subscription-changed"; val: SubscriptionUpdate }
    | { tag: "customer-linked"; val: CustomerLink }
    /** The checkout of this provider id was not finished. */
    | { tag: "checkout-expired"; val: string }
    /**
     * The portal is to call `reconcile` with this provider id later. It is the way out for
     * whatever has no case of its own.
     */
    | { tag: "needs-reconcile"; val: string };
  export {};
}

/** Taking money. The portal's ledger decides what is paid; a plugin asks a provider and reports. */
declare module "myrelay:plugin/billing@1.0.0" {
  import type { Money } from "myrelay:plugin/types@1.0.0";
  import type { AccountRef } from "myrelay:plugin/types@1.0.0";
  import type { TimestampMs } from "myrelay:plugin/types@1.0.0";
  import type { Error } from "myrelay:plugin/types@1.0.0";
  import type { Price } from "myrelay:plugin/billing-types@1.0.0";
  import type { Line } from "myrelay:plugin/billing-types@1.0.0";
  import type { Invoice } from "myrelay:plugin/billing-types@1.0.0";
  import type { Effect } from "myrelay:plugin/billing-types@1.0.0";
  /** What the provider can do. */
  export interface Capabilities {
    oneTime: boolean;
    subscriptions: boolean;
    savedMethods: boolean;
    refunds: boolean;
    partialRefunds: boolean;
    metered: boolean;
    /** Whether customers have a page of the provider's. */
    hostedPortal: boolean;
    /** The currencies it takes; empty for all. */
    currencies: Array<string>;
  }
  /** What a price would be for this account. */
  export interface QuoteRequest {
    account: AccountRef;
    lines: Array<Line>;
    coupon: string | null;
  }
  /** The price, and how long it holds. */
  export interface Quote {
    lines: Array<Line>;
    total: Money;
    expiresAt: TimestampMs;
    /** What the customer has to be told, as plain text. */
    disclosures: Array<string>;
  }
  /** An invoice that a customer wants to pay. */
  export interface CheckoutRequest {
    account: AccountRef;
    invoice: Invoice;
    /** Pay this regularly from now on. */
    subscribe: Price | null;
    /** Where the provider sends the customer afterwards. Nothing is paid because they come back. */
    returnUrl: string;
    cancelUrl: string;
    /** The portal's id of this checkout. */
    clientReference: string;
  }
  /** Where to send coins. The host draws the QR code of `uri`. */
  export interface CryptoInstructions {
    address: string;
    amount: Money;
    uri: string;
    expiresAt: TimestampMs;
    confirmations: number;
  }
  /** How to pay by oneself, for instance by bank transfer. */
  export interface PaymentInstructions {
    /** Names and values to show, as plain text: recipient, account, bank. */
    fields: Array<[string, string]>;
    /** What the customer has to write into the transfer. */
    reference: string;
    expiresAt: TimestampMs | null;
  }
  /** What the customer does next. */
  export type NextStep =
    /** Goes to this page: `https`, and a host of the manifest's `checkout_hosts`. */
    | { tag: "redirect"; val: string }
    | { tag: "crypto"; val: CryptoInstructions }
    | { tag: "instructions"; val: PaymentInstructions }
    /** Nothing: a saved method was charged. */
    | { tag: "done"; val: Array<Effect> };
  /** A checkout that has begun. */
  export interface Checkout {
    /** The provider's id. */
    providerId: string;
    expiresAt: TimestampMs;
    step: NextStep;
  }
  /** How much of a meter an account used in one closed window. */
  export interface Usage {
    meter: string;
    account: string;
    quantity: number;
    windowStart: TimestampMs;
    windowEnd: TimestampMs;
    /** The same whenever the same window is reported again. */
    idempotencyKey: string;
  }
  /**
   * What the provider can do, as it is configured.
   * @throws {Error}
   */
  export function getCapabilities(): Capabilities;
  /**
   * What something would cost.
   * @throws {Error}
   */
  export function priceQuote(request: QuoteRequest): Quote;
  /**
   * Begins a payment.
   * @throws {Error}
   */
  export function beginCheckout(request: CheckoutRequest): Checkout;
  /**
   * Charges the method that the customer saved.
   * @throws {Error}
   */
  export function chargeSaved(invoice: Invoice): Array<Effect>;
  /**
   * Gives back all of a payment or some of it.
   * @throws {Error}
   */
  export function refund(payment: string, amount: Money, reason: string): Array<Effect>;
  /**
   * Ends a subscription, now or when what is paid for is over.
   * @throws {Error}
   */
  export function cancelSubscription(subscription: string, atPeriodEnd: boolean): Array<Effect>;
  /**
   * Reports usage. Windows may come again.
   * @throws {Error}
   */
  export function reportUsage(batch: Array<Usage>): void;
  /**
   * Asks the provider how one of its objects stands: after a missed webhook, every day, and
   * before decisions about money.
   * @throws {Error}
   */
  export function reconcile(providerId: string): Array<Effect>;
  /**
   * A page of the provider's where the customer manages their methods: `https`, and a host of
   * the manifest's `checkout_hosts`.
   * @throws {Error}
   */
  export function customerPortalUrl(account: AccountRef, returnUrl: string): string;
  export {};
}

/** What a payment provider sends us. */
declare module "myrelay:plugin/webhooks@1.0.0" {
  import type { TimestampMs } from "myrelay:plugin/types@1.0.0";
  import type { Error } from "myrelay:plugin/types@1.0.0";
  import type { Effect } from "myrelay:plugin/billing-types@1.0.0";
  /** A request as it came. */
  export interface Request {
    method: string;
    path: string;
    query: string;
    /** In their order, names as they were written. */
    headers: Array<[string, string]>;
    /** The exact bytes, for signatures. Verify before you parse. */
    body: Uint8Array;
    receivedAt: TimestampMs;
    sourceIp: string;
  }
  /** Why a request is not the provider's. */
  export type Rejection =
    | { tag: "bad-signature" }
    /** Signed too long ago. */
    | { tag: "stale" }
    | { tag: "malformed"; val: string }
    | { tag: "unknown-endpoint" };
  /** A request that means something. */
  export interface Accepted {
    /** The provider's id of the event. The portal drops what it already has, before any effect. */
    eventId: string;
    effects: Array<Effect>;
    /** The answer to the provider: 200 and nothing where these are none. */
    status: number | null;
    body: string | null;
  }
  /** What a request was. */
  export type Outcome =
    | { tag: "accepted"; val: Accepted }
    /** Genuine and of no interest; the text says why. */
    | { tag: "ignored"; val: string }
    | { tag: "rejected"; val: Rejection };
  /**
   * Takes one request. After an error the provider gets no confirmation, and sends it again.
   * @throws {Error}
   */
  export function handle(request: Request): Outcome;
  export {};
}

/** Facts of the portal that the plugin listens to. */
declare module "myrelay:plugin/events@1.0.0" {
  import type { TimestampMs } from "myrelay:plugin/types@1.0.0";
  import type { Json } from "myrelay:plugin/types@1.0.0";
  import type { Error } from "myrelay:plugin/types@1.0.0";
  /**
   * An envelope. What is inside is JSON by a published schema, so that new events and optional
   * fields need no new version of this package.
   */
  export interface Event {
    /** The same for every try. */
    id: string;
    /** What happened, with the version of its schema: `billing.invoice.finalized.v1`. */
    typeName: string;
    /** Whose it is; events of one account come in order. */
    account: string | null;
    /** Counts the account's events, without gaps. */
    sequence: number;
    /** When it happened. */
    occurredAt: TimestampMs;
    /** What the schema says. */
    data: Json;
  }
  /**
   * Takes one event. The same event can come twice, never with another meaning.
   * @throws {Error}
   */
  export function handle(event: Event): void;
  export {};
}

/** The operator's settings for this installation. */
declare module "myrelay:plugin/config@1.0.0" {
  import type { Json } from "myrelay:plugin/types@1.0.0";
  /** The settings, valid by the manifest's schema, with its defaults filled in and without secrets. */
  export function get(): Json;
  export {};
}

/** What this call is. */
declare module "myrelay:plugin/context@1.0.0" {
  import type { TimestampMs } from "myrelay:plugin/types@1.0.0";
  /**
   * The facts about this call. All but `attempt`, `deadline` and `trace-parent` are the same
   * whenever the same delivery is tried again.
   */
  export interface Call {
    /** What is delivered: the same for every try of the same delivery. */
    deliveryId: string;
    /** The how manieth try this is, beginning with 1. */
    attempt: number;
    /** When the host ends the call, by the portal's clock. */
    deadline: TimestampMs;
    /** Which installation of the plugin this is. */
    installationId: string;
    /** Whether this is a trial with the provider's test keys: no real money, no real messages. */
    testMode: boolean;
    /** A W3C `traceparent`, to be sent along with requests. */
    traceParent: string | null;
  }
  /** The facts about this call. */
  export function current(): Call;
  /**
   * A key for one side effect of this delivery: the same delivery and label give the same key in
   * every try. Send it as `Idempotency-Key`. It is 64 hexadecimal digits.
   */
  export function idempotencyKey(label: string): string;
  export {};
}

/** The time, which stands still during a call so that a recorded call can be played again. */
declare module "myrelay:plugin/clock@1.0.0" {
  import type { TimestampMs } from "myrelay:plugin/types@1.0.0";
  /** When what this call is about happened: the webhook arrived, the delivery was written down. */
  export function now(): TimestampMs;
  export {};
}

/** Makes a document of an invoice: the plugin supplies fields and legal text, the host draws it. */
declare module "myrelay:plugin/invoicing@1.0.0" {
  import type { Error } from "myrelay:plugin/types@1.0.0";
  import type { Json } from "myrelay:plugin/types@1.0.0";
  import type { Invoice } from "myrelay:plugin/billing-types@1.0.0";
  /** What the host draws. */
  export interface Document {
    /** The name of a template of the portal's. */
    template: string;
    /** What the template asks for. */
    fields: Json;
    /** Paragraphs of plain text. */
    legalText: Array<string>;
  }
  /**
   * Writes an invoice. The same invoice gives the same document.
   * @throws {Error}
   */
  export function compose(invoice: Invoice): Document;
  export {};
}

/** What every plugin answers: who it is, and the turns of its life. */
declare module "myrelay:plugin/lifecycle@1.0.0" {
  import type { Error } from "myrelay:plugin/types@1.0.0";
  import type { Json } from "myrelay:plugin/types@1.0.0";
  /** Who a plugin is. */
  export interface Info {
    /** As in the manifest. */
    id: string;
    /** As in the manifest. */
    version: string;
    /** The version of this package that it was built with, such as `1.0`. */
    apiVersion: string;
  }
  /** Something in the settings that cannot work. */
  export interface ConfigProblem {
    /** Where, as a JSON pointer (RFC 6901). */
    path: string;
    /** What to do about it. */
    message: string;
  }
  /** How the plugin is. */
  export interface HealthReport {
    /** Whether it could do its work now. */
    ok: boolean;
    /** What is wrong, or what it is connected to. */
    detail: string;
  }
  /**
   * Who this is. Called without any capability, and compared with the manifest: the host refuses
   * a plugin that differs from it.
   */
  export function describe(): Info;
  /**
   * Settings, secrets and grants are in place: register the webhook with the provider, put away
   * what it returns. It is called again after changes, so it has to be safe to repeat.
   * @throws {Error}
   */
  export function activate(webhookUrl: string | null): void;
  /**
   * Clean up at the provider, as well as it goes; the installation ends in any case.
   * @throws {Error}
   */
  export function deactivate(): void;
  /**
   * Looks at settings beyond their schema, for instance by asking the provider who it is.
   * @throws {Error}
   */
  export function validateConfig(candidate: Json): Array<ConfigProblem>;
  /**
   * Brings what an earlier version remembered into this one's form. It is called once, before
   * any other call of this version, and all of it counts or nothing.
   * @throws {Error}
   */
  export function migrate(fromVersion: string): void;
  /**
   * How the plugin is.
   * @throws {Error}
   */
  export function health(): HealthReport;
  export {};
}

/** Work at set times: the manifest's `[[jobs]]`. */
declare module "myrelay:plugin/jobs@1.0.0" {
  import type { Error } from "myrelay:plugin/types@1.0.0";
  /**
   * Does the job of this name.
   * @throws {Error}
   */
  export function run(job: string): void;
  export {};
}

/**
 * A way to reach people. Templates, languages, quiet hours and what is sent only once are the
 * portal's; a plugin carries messages.
 */
declare module "myrelay:plugin/notifier@1.0.0" {
  import type { AccountRef } from "myrelay:plugin/types@1.0.0";
  import type { Error } from "myrelay:plugin/types@1.0.0";
  import type { Json } from "myrelay:plugin/types@1.0.0";
  /** How soon a message should be seen. */
  export type Urgency =
    | "low"
    | "normal"
    | "high";
  /** A message, written out. */
  export interface Message {
    /** What it is about, such as `subscription.expiring`. */
    template: string;
    subject: string;
    /** The whole of it as plain text. */
    text: string;
    /** The whole of it as HTML, which the host has sanitised. */
    html: string | null;
    /** Where the reader can do something about it. */
    actionUrl: string | null;
    urgency: Urgency;
    /** What the texts were made of, for channels that make their own. */
    data: Json;
  }
  /** Whom it goes to. */
  export interface Destination {
    account: AccountRef;
    /** In the channel's own terms: a mail address, a chat's id, a URL. */
    address: string;
    /** Whether its owner has confirmed it. */
    verified: boolean;
  }
  /** That it was taken. */
  export interface Receipt {
    /** The provider's id of the message. */
    providerId: string | null;
  }
  /** Why this address will never work; the portal stops using it. */
  export type Permanent =
    /** Nobody is there, or they block us. */
    | { tag: "unreachable"; val: string }
    /** They asked not to be written to. */
    | { tag: "unsubscribed" }
    /** It is no address of this channel. */
    | { tag: "invalid-address"; val: string };
  /** How a delivery ended. What is only wrong for now is an `error` instead. */
  export type Outcome =
    | { tag: "sent"; val: Receipt }
    | { tag: "rejected"; val: Permanent };
  /** What the customer has to do to confirm an address. */
  export interface Verification {
    /** Plain text, in their language. */
    text: string;
    /** A link to follow, `https` only. */
    link: string | null;
  }
  /**
   * Begins to confirm an address.
   * @throws {Error}
   */
  export function beginVerification(account: AccountRef, address: string): Verification;
  /**
   * Carries one message.
   * @throws {Error}
   */
  export function deliver(to: Destination, message: Message): Outcome;
  export {};
}
