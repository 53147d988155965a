//! What a plugin says went wrong.

/** @typedef {import("myrelay:plugin/types@1.0.0").ErrorKind} ErrorKind */
/** @typedef {import("myrelay:plugin/types@1.0.0").Error} Told */

/** How long to wait where the other side does not say, in milliseconds. */
const USUAL_WAIT_MS = 5000;

/** The longest text of somebody else's that is handed on, in characters. */
const LINE_LENGTH = 500;

/** A failure by what it means for what happens next: throw it. */
export class PluginError extends Error {
  /**
   * @param {ErrorKind} kind
   * @param {string} message For operators; customers never see it.
   * @param {Partial<Told>} more
   */
  constructor(kind, message, more = {}) {
    super(message);
    this.name = "PluginError";
    this.kind = kind;
    this.more = more;
  }

  /** As the interface has it. @returns {Told} */
  told() {
    const absent = { publicMessage: null, retryAfterMs: null, providerCode: null };
    return { ...absent, ...this.more, kind: this.kind, message: line(this.message) };
  }
}

/** An error to throw, with nothing but its kind and what operators read. */
export function error(/** @type {ErrorKind} */ kind, /** @type {string} */ message) {
  return new PluginError(kind, message);
}

/**
 * What a status of 500 and beyond means: a gateway may give up on what was done behind it, but who
 * says 503 did nothing. With `again` the request may be repeated.
 * @param {number} status
 * @returns {ErrorKind}
 */
export function failure(status, again = false) {
  return again || status === 503 ? "unavailable" : "indeterminate";
}

/**
 * That there were too many requests.
 * @param {string} whom Who was asked.
 * @param {number | null} seconds How long to wait, as the other side said it.
 */
export function rateLimited(whom, seconds = null) {
  const retryAfterMs = seconds === null ? USUAL_WAIT_MS : seconds * 1000;
  return new PluginError("rate-limited", `${whom} gets too many requests`, { retryAfterMs });
}

/** Somebody else's text as one line without control characters, which the host would refuse. */
export function line(/** @type {string} */ text) {
  const hostile = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
  return text.slice(0, LINE_LENGTH).replace(hostile, " ");
}

/** What the host said, which the engine wraps into an error. @param {any} why */
export function told(why) {
  return why?.payload ?? why;
}

/** Anything that was thrown, in words. @param {any} thrown */
export function shown(thrown) {
  const why = told(thrown);
  if (why instanceof Error) return `${why.name}: ${why.message}`;
  // An error of the host's: a case of a variant, perhaps with a value.
  if (typeof why?.tag === "string") return why.val == null ? why.tag : `${why.tag}: ${why.val}`;
  return String(why);
}
