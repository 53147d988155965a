//! The interface of plugins/wit/v1 as TypeScript sees it. Whole numbers beyond 2^53 lose their last
//! digits. Functions that fail throw the type that stands in their description.

/**
 * Writes to the plugin's log, which operators read. Lines beyond the limits are dropped and
 * counted; secrets and control characters are taken out.
 */
declare module "myrelay:plugin/log@1.0.0" {
  /** How much a line matters. */
  export type Level =
    /** Every step, for whoever writes the plugin. */
    | "trace"
    /** What helps to find a mistake. */
    | "debug"
    /** What happened, and was to be expected. */
    | "info"
    /** What an operator should know of, and the plugin lives with. */
    | "warn"
    /** What failed. */
    | "error";
  /** Writes one line with named values: 16 of them, and 2 KiB altogether. What is longer is cut. */
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
    /**
     * The entries that were found, with 1 MiB of keys and values at most. There may be fewer
     * than were asked for, and more to come: `next` says so.
     */
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
    /** SHA-256 (FIPS 180-4): 32 bytes. */
    | "sha256"
    /** SHA-512 (FIPS 180-4): 64 bytes. */
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
  /** What is asked (RFC 9110 section 9.3, RFC 5789). The manifest's `methods` have to name it. */
  export type Method =
    /** Reads something, and changes nothing. */
    | "get"
    /** Reads the headers alone: the answer has no body. */
    | "head"
    /** Has something done. Twice is done twice, unless the other side knows the request again. */
    | "post"
    /** Puts something in its place. Twice is the same as once. */
    | "put"
    /** Changes a part of something. */
    | "patch"
    /** Takes something away. Twice is the same as once. */
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
    /** What is asked of the server. */
    method: Method;
    /** Absolute, without user, password or fragment; at most 4 KiB. */
    url: string;
    /**
     * The host sets `Host`, `Content-Length`, `User-Agent` and `Accept-Encoding`, and drops
     * what is between two neighbours only, such as `Connection`. At most 64 with 16 KiB.
     */
    headers: Array<[string, string]>;
    /**
     * A login that the host fills in; none where there is none, or a placeholder stands
     * elsewhere in the request.
     */
    auth: Auth | null;
    /** What is sent, at most 1 MiB; none for nothing. */
    body: Uint8Array | null;
    /**
     * How long to wait altogether; never longer than the limits say: 10 s, and what is left of
     * the call.
     */
    timeoutMs: number | null;
  }
  /** One answer, whatever its status. */
  export interface Response {
    /** Its three digits, of redirects and failures too. */
    status: number;
    /** Names in lower case; values that are no UTF-8 have marks in place of those bytes. */
    headers: Array<[string, string]>;
    /** The whole of it, at most 4 MiB, with marks in place of the plugin's secrets. */
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
    /** The port that the manifest names: 465, 587 or 25 where it names none, by `security`. */
    port: number;
    /** How the connection is protected, as the manifest names it. */
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
    /** Who logs in. */
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
    /** What it is about, as one line of at most 500 bytes; empty for nothing. */
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
    /** Once, and never again. */
    | "one-time"
    /** Every day. */
    | "day"
    /** Every seven days. */
    | "week"
    /** Every month of the calendar. */
    | "month"
    /** Every year of the calendar. */
    | "year";
  /** What something costs. */
  export interface Price {
    /** The portal's id of the price. */
    id: string;
    /** The portal's id of what is sold. */
    product: string;
    /** For one interval, or for one unit of the meter. */
    amount: Money;
    /** How often it is due. */
    interval: Interval;
    /** Due every so many intervals; 1 where it is due once. */
    intervalCount: number;
    /** The meter's name where usage is paid for. */
    metered: string | null;
  }
  /** One line of an invoice. */
  export interface Line {
    /** What it is, as one line of plain text for the customer. */
    description: string;
    /** The price's id, where there is one. */
    price: string | null;
    /** How many of it. */
    quantity: Decimal;
    /** For the whole quantity, without tax; negative for a credit. */
    amount: Money;
    /** The tax on it, in the same currency; 0 where none is due. */
    tax: Money;
    /**
     * What kind of thing it is to a tax office, in the code of whoever calculates taxes; none
     * where nobody does.
     */
    taxCode: string | null;
    /** When the period begins that is paid for; none for what has no period. */
    periodStart: TimestampMs | null;
    /** When that period ends; none where it has no beginning. */
    periodEnd: TimestampMs | null;
  }
  /** What an account owes. */
  export interface Invoice {
    /** The portal's id. */
    id: string;
    /** The number it bears once it is final. */
    number: string | null;
    /** Who owes it. */
    account: AccountRef;
    /** What it is for: at least one line. */
    lines: Array<Line>;
    /** The sum of the lines without their tax. */
    subtotal: Money;
    /** The sum of the lines' taxes. */
    taxTotal: Money;
    /** What is to be paid, tax included. A payment of less leaves the invoice open. */
    total: Money;
    /** Until when it is to be paid; none where no day was set. */
    dueAt: TimestampMs | null;
  }
  /**
   * How the provider sees a subscription. Whether the customer has access is the portal's
   * decision: payments move it. The first four are of one that goes on collecting, the others of
   * one that does not.
   */
  export type SubscriptionState =
    /** It was made, and nothing was collected yet. */
    | "pending"
    /** It runs, and the first payment comes when the trial is over. */
    | "trialing"
    /** It runs and is paid. */
    | "active"
    /** A payment failed, and the provider tries again by itself. */
    | "past-due"
    /** Payments failed, and the provider has given up trying. */
    | "unpaid"
    /** It collects nothing until somebody lets it go on. */
    | "paused"
    /** Somebody ended it: it collects nothing more. */
    | "canceled"
    /** It ended by itself, for instance because its first payment never came. */
    | "expired";
  /** How a dispute stands. */
  export type DisputeState =
    /** The bank only asks, and no money moved. The portal does nothing. */
    | "inquiry"
    /** The money is withdrawn until it is decided. The portal marks the payment. */
    | "open"
    /** It is decided for the operator, and the money is back. The mark is taken off. */
    | "won"
    /**
     * It is decided for the customer. What was disputed counts as given back, as far as that is
     * left of the payment.
     */
    | "lost";
  /** Money that arrived. Amounts are what the provider confirmed, never what was asked for. */
  export interface Payment {
    /**
     * The provider's id, 1 to 255 bytes: never the same for two payments, since the portal
     * counts each id once.
     */
    providerId: string;
    /**
     * The portal's id of the invoice that it pays, as far as the provider knows: one whose
     * checkout was begun with this plugin.
     */
    invoice: string | null;
    /**
     * The portal's id of the account whose it is, as far as the provider knows: the invoice's,
     * where there is one. The portal refuses a payment of which neither invoice, subscription
     * nor account says whose it is.
     */
    account: string | null;
    /**
     * The provider's id of the subscription that it belongs to; none for one that belongs to
     * none. With an invoice it binds the subscription to what the invoice is for.
     */
    subscription: string | null;
    /** The whole, before the fee: above nothing, and in the invoice's currency. */
    amount: Money;
    /** What the provider keeps of it, in the same currency; none where that is not known. */
    fee: Money | null;
    /** When it arrived, as the provider says. */
    occurredAt: TimestampMs;
  }
  /** How often a payment on a chain was confirmed. */
  export interface Confirmations {
    /** How many blocks have confirmed it so far. */
    seen: number;
    /** How many it takes until it counts. */
    required: number;
  }
  /** Money that is on its way and may still not arrive. */
  export interface PendingPayment {
    /** The provider's id of the payment that is on its way. */
    providerId: string;
    /**
     * The portal's id of the invoice that it is for: one whose checkout was begun with this
     * plugin. Without it nothing is shown to anybody.
     */
    invoice: string | null;
    /** The portal's id of the account whose it is. */
    account: string | null;
    /** How much was asked for. */
    expected: Money;
    /** What was seen so far. */
    received: Money | null;
    /** How far a chain has confirmed it; none where no chain does. */
    confirmations: Confirmations | null;
    /** The transaction or the transfer, for support. */
    reference: string | null;
    /** When it was seen, as the provider says. */
    occurredAt: TimestampMs;
  }
  /** A payment that did not happen. */
  export interface Failure {
    /** The provider's id of the payment that failed; none where it never got one. */
    providerId: string | null;
    /**
     * The portal's id of the invoice that it was for: one whose checkout was begun with this
     * plugin.
     */
    invoice: string | null;
    /**
     * The portal's id of the account whose it was. Where invoice and account are none, nothing
     * is written down.
     */
    account: string | null;
    /** The provider's code, of which 200 characters are kept. */
    code: string;
    /** Why, as plain text: the customer reads up to 200 characters of it beside the invoice. */
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
    /**
     * The provider's id of the payment. Where the portal has not heard of that, it asks for it
     * by `reconcile`, and this refund has to be told there too.
     */
    payment: string;
    /**
     * How much went back: above nothing, in the payment's currency, and no more than is left
     * of it.
     */
    amount: Money;
    /** Why, where somebody said so. */
    reason: string | null;
    /** When it was sent, as the provider says. */
    occurredAt: TimestampMs;
  }
  /** Money that should have gone back, and did not. */
  export interface RefundFailure {
    /** The provider's id of the refund, the same as in `payment-refunded`. */
    providerId: string;
    /** The provider's id of the payment. */
    payment: string;
    /** How much should have gone back. */
    amount: Money;
    /** The provider's code for why. */
    code: string;
    /** Why, in the provider's words. */
    message: string;
    /** When it failed, as the provider says. */
    occurredAt: TimestampMs;
  }
  /** A customer disputes a payment. */
  export interface Dispute {
    /** The provider's id of the dispute. */
    providerId: string;
    /** The provider's id of the payment. */
    payment: string;
    /** How much is disputed. */
    amount: Money;
    /** What the provider charges for it, no more than the payment was; booked when it is lost. */
    fee: Money | null;
    /** How it stands now. */
    state: DisputeState;
    /** Since when it stands so, as the provider says. */
    occurredAt: TimestampMs;
  }
  /** Money that the provider sent on to the operator's bank. */
  export interface Payout {
    /** The provider's id of the payout: the portal books each once. */
    providerId: string;
    /** What arrives at the bank, above nothing. */
    amount: Money;
    /** What the provider takes for it besides, in the same currency; none where it is free. */
    fee: Money | null;
    /** When it was sent, as the provider says. */
    occurredAt: TimestampMs;
  }
  /** How a subscription stands at the provider. */
  export interface SubscriptionUpdate {
    /**
     * The provider's id of the subscription. Of one that nothing was paid for yet the portal
     * keeps nothing.
     */
    providerId: string;
    /** The portal's id of the account whose it is. */
    account: string;
    /** How it stands. */
    state: SubscriptionState;
    /**
     * Until when the provider has collected; none where it does not say. What the customer has
     * does not depend on it.
     */
    currentPeriodEnd: TimestampMs | null;
    /** Whether it collects nothing more once that period is over. */
    cancelAtPeriodEnd: boolean;
    /** When it was so: older news never replaces newer. */
    observedAt: TimestampMs;
  }
  /** The provider's id of an account. */
  export interface CustomerLink {
    /** The portal's id of the account. */
    account: string;
    /** The provider's id of the customer. */
    providerId: string;
  }
  /**
   * What the provider says happened. Plugins report; the portal checks it and writes it down. It
   * takes 100 of one call at most, all of them or none: one that is not sound undoes the call.
   * The same may be told as often as a plugin hears of it.
   */
  export type Effect =
    /** Money is on its way: the customer sees that, and nothing is paid by it. */
    | { tag: "payment-pending"; val: PendingPayment }
    /** Money arrived: it is booked, and pays the invoice if it is enough. */
    | { tag: "payment-succeeded"; val: Payment }
    /** A payment came to nothing: the customer sees why, and may try again. */
    | { tag: "payment-failed"; val: Failure }
    /** Money went back to the customer. A payment that went back whole ends what it paid for. */
    | { tag: "payment-refunded"; val: Refund }
    /** Money that went back did not arrive: the account has it again. */
    | { tag: "refund-failed"; val: RefundFailure }
    /** A customer disputes a payment, or that was decided. */
    | { tag: "payment-disputed"; val: Dispute }
    /** Money left the provider for the operator's bank. */
    | { tag: "payout-paid"; val: Payout }
    /** A subscription stands in another way: whether the provider goes on collecting. */
    | { tag: "subscription-changed"; val: SubscriptionUpdate }
    /**
     * An account has a customer at the provider. The portal keeps nothing of it: a plugin that
     * needs the id remembers it.
     */
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
    /** Whether an invoice can be paid once. Where it cannot, no checkout is begun. */
    oneTime: boolean;
    /**
     * Whether the provider can collect a price again and again. Where it can, a checkout of a
     * whole price has `subscribe`.
     */
    subscriptions: boolean;
    /** Whether `charge-saved` can charge a customer who is not there. */
    savedMethods: boolean;
    /** Whether `refund` gives payments back. Where it does not, it is not called. */
    refunds: boolean;
    /** Whether `refund` gives back parts of a payment, and not only the whole of it. */
    partialRefunds: boolean;
    /** Whether the provider charges for usage that `report-usage` reports. */
    metered: boolean;
    /** Whether customers have a page of the provider's, by `customer-portal-url`. */
    hostedPortal: boolean;
    /** The currencies it takes; empty for all. An invoice in another one is not brought here. */
    currencies: Array<string>;
  }
  /** What a price would be for this account. */
  export interface QuoteRequest {
    /** Who asks. */
    account: AccountRef;
    /** What they would buy, at the portal's prices. */
    lines: Array<Line>;
    /** The code of a coupon as the customer typed it; none where they have none. */
    coupon: string | null;
  }
  /** The price, and how long it holds. */
  export interface Quote {
    /** The lines as an invoice would have them, with the provider's taxes and reductions. */
    lines: Array<Line>;
    /** The sum of the lines with their tax. */
    total: Money;
    /** Until when it costs that. */
    expiresAt: TimestampMs;
    /** What the customer has to be told, as plain text. */
    disclosures: Array<string>;
  }
  /** An invoice that a customer wants to pay. */
  export interface CheckoutRequest {
    /** Who pays. */
    account: AccountRef;
    /** What is paid: its `total` is above nothing, and what the account has is taken off. */
    invoice: Invoice;
    /**
     * Pay this regularly from now on; none to pay once, and always where the plugin says that
     * it has no `subscriptions`.
     */
    subscribe: Price | null;
    /** Where the provider sends the customer afterwards. Nothing is paid because they come back. */
    returnUrl: string;
    /** Where the provider sends a customer who turns back. The invoice stays open. */
    cancelUrl: string;
    /**
     * The portal's id of this checkout. The same one is begun again where nobody knows whether
     * it was: begin no second payment for it.
     */
    clientReference: string;
  }
  /** Where to send coins. The host draws the QR code of `uri`. */
  export interface CryptoInstructions {
    /** The address on the chain, for this checkout alone. */
    address: string;
    /**
     * How much to send, in the coin's own ticker and smallest unit, whatever currency the
     * invoice is in.
     */
    amount: Money;
    /**
     * What a wallet opens: `bitcoin:` and what belongs there, at most 1000 printable characters
     * of ASCII. The schemes of the web are refused.
     */
    uri: string;
    /** Until when that amount is enough. */
    expiresAt: TimestampMs;
    /** How many blocks it takes until the payment counts; 0 where it counts when it is seen. */
    confirmations: number;
  }
  /** How to pay by oneself, for instance by bank transfer. */
  export interface PaymentInstructions {
    /** Names and values to show, as plain text: recipient, account, bank. */
    fields: Array<[string, string]>;
    /** What the customer has to write into the transfer. */
    reference: string;
    /** Until when to pay; none where it is never too late. */
    expiresAt: TimestampMs | null;
  }
  /** What the customer does next. */
  export type NextStep =
    /** Goes to this page: `https`, and a host of the manifest's `checkout_hosts`. */
    | { tag: "redirect"; val: string }
    /** Sends coins. */
    | { tag: "crypto"; val: CryptoInstructions }
    /** Pays by themselves, as it stands there; an operator says when it arrived. */
    | { tag: "instructions"; val: PaymentInstructions }
    /** Nothing: a saved method was charged. */
    | { tag: "done"; val: Array<Effect> };
  /** A checkout that has begun. */
  export interface Checkout {
    /** The provider's id, 1 to 255 bytes, and of no other checkout. `reconcile` gets it. */
    providerId: string;
    /** Until when it can be paid. After that the portal begins another one. */
    expiresAt: TimestampMs;
    /** What the customer does next. */
    step: NextStep;
  }
  /** How much of a meter an account used in one closed window. */
  export interface Usage {
    /** The meter's name, as `metered` of a price has it. */
    meter: string;
    /** The portal's id of the account. */
    account: string;
    /** How much was used in this window alone, in whole units of the meter. */
    quantity: number;
    /** When the window began; that moment belongs to it. */
    windowStart: TimestampMs;
    /** When it ended; that moment belongs to the next one. */
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
   * What something would cost. Nothing is begun by it.
   * @throws {Error}
   */
  export function priceQuote(request: QuoteRequest): Quote;
  /**
   * Begins a payment. Where an error is `indeterminate`, the same checkout is begun again.
   * @throws {Error}
   */
  export function beginCheckout(request: CheckoutRequest): Checkout;
  /**
   * Charges the method that the customer saved.
   * @throws {Error}
   */
  export function chargeSaved(invoice: Invoice): Array<Effect>;
  /**
   * Gives back all of a payment or some of it: `payment` is the provider's id, and `reason` what
   * the operator wrote, up to 200 characters or nothing. Where no effect is answered it is on its
   * way, and `reconcile` is asked about the payment later.
   * @throws {Error}
   */
  export function refund(payment: string, amount: Money, reason: string): Array<Effect>;
  /**
   * Ends a subscription by the provider's id, now or when what is paid for is over. It is tried
   * until it is done, `not-found` or `conflict`.
   * @throws {Error}
   */
  export function cancelSubscription(subscription: string, atPeriodEnd: boolean): Array<Effect>;
  /**
   * Reports usage. Windows may come again.
   * @throws {Error}
   */
  export function reportUsage(batch: Array<Usage>): void;
  /**
   * Asks the provider how one of its objects stands, by any id that the plugin has told: a
   * checkout's until it is paid or over, a payment's after a refund that nobody knows of, and
   * whatever `needs-reconcile` named. Answer all that is so, not only what is new.
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
    /** The method, in capitals: `POST`. */
    method: string;
    /** `/` and the manifest's `path`. The secret part of the address before it is not shown. */
    path: string;
    /** What stands behind the `?` in the address, as it was written; empty for nothing. */
    query: string;
    /**
     * Names and values; values that are no text are left out. Compare names without regard to
     * capitals.
     */
    headers: Array<[string, string]>;
    /**
     * The exact bytes, for signatures, no more than the manifest's `max_body`. Verify before
     * you parse.
     */
    body: Uint8Array;
    /** When it came, by the portal's clock. Compare the time in a signature with it. */
    receivedAt: TimestampMs;
    /** The address that it came from, IPv4 or IPv6. It proves nothing. */
    sourceIp: string;
  }
  /** Why a request is not the provider's. Whoever sent it is answered 400. */
  export type Rejection =
    /** It has no signature, or none that is by a secret of this plugin. */
    | { tag: "bad-signature" }
    /** Signed too long ago. */
    | { tag: "stale" }
    /** It cannot be read; the text says why, and is not told to whoever sent it. */
    | { tag: "malformed"; val: string }
    /** This plugin takes nothing here. */
    | { tag: "unknown-endpoint" };
  /** A request that means something. */
  export interface Accepted {
    /**
     * The provider's id of the event, 1 to 255 bytes. The portal drops what it already has,
     * before any effect.
     */
    eventId: string;
    /**
     * What it says happened. Where one is refused nothing counts, and the provider is asked to
     * send it again.
     */
    effects: Array<Effect>;
    /** The status that the provider is answered, 200 to 299; 200 where it is none. */
    status: number | null;
    /** The text that the provider is answered; nothing where it is none. */
    body: string | null;
  }
  /** What a request was. */
  export type Outcome =
    /** Genuine, and it means something. */
    | { tag: "accepted"; val: Accepted }
    /** Genuine and of no interest; the text says why. */
    | { tag: "ignored"; val: string }
    /** Not the provider's, or not to be read. */
    | { tag: "rejected"; val: Rejection };
  /**
   * Takes one request. After an error the provider is answered 503, and sends it again.
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
    /** What happened, with the version of its schema: `invoice.paid.v1`. */
    typeName: string;
    /**
     * Whose it is, by the portal's id; none where it is nobody's. Events of one account come in
     * order.
     */
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
   * what it returns. The address for webhooks is none where the manifest asks for none. It is
   * called again after changes, so it has to be safe to repeat.
   * @throws {Error}
   */
  export function activate(webhookUrl: string | null): void;
  /**
   * Clean up at the provider, as well as it goes; the installation ends in any case.
   * @throws {Error}
   */
  export function deactivate(): void;
  /**
   * Looks at settings beyond their schema, before they are saved. What it finds wrong stands
   * beside the field; nothing found is an empty list.
   * @throws {Error}
   */
  export function validateConfig(candidate: Json): Array<ConfigProblem>;
  /**
   * Brings what another version remembered into this one's form, before this one takes its place:
   * only `describe` and `validate-config` come earlier. All of it counts or nothing. Where an
   * operator went back, the other one is a later version.
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
    /** Whenever the reader looks: a channel that can be silent is. */
    | "low"
    /** As messages usually come. */
    | "normal"
    /** At once: somebody waits for it, or has to do something. */
    | "high";
  /** A message, written out. */
  export interface Message {
    /** What it is about, such as `subscription.expiring`. */
    template: string;
    /** What it is about, as one line of plain text; `text` does not repeat it. */
    subject: string;
    /** The whole of it as plain text. */
    text: string;
    /** The whole of it as HTML, which the host has sanitised. */
    html: string | null;
    /** Where the reader can do something about it. */
    actionUrl: string | null;
    /** How soon it should be seen. When it is sent, the portal has decided. */
    urgency: Urgency;
    /** What the texts were made of, for channels that make their own. */
    data: Json;
  }
  /** Whom it goes to. */
  export interface Destination {
    /** Whose address it is. */
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
    /** Whoever carries it on has it. */
    | { tag: "sent"; val: Receipt }
    /** It never arrives at this address, now or later. Its owner has to confirm it anew. */
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
