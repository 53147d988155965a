//! Requests, what their answers mean, and what it means that there is none.

import { send as ofHost } from "myrelay:plugin/http@1.0.0";

import { error, line, rateLimited, shown, told } from "./errors.js";
import { decode, encode } from "./utf8.js";

/** @typedef {import("myrelay:plugin/http@1.0.0").Request} Request */
/** @typedef {import("myrelay:plugin/http@1.0.0").Response} Response */
/** @typedef {import("./errors.js").ErrorKind} ErrorKind */

/**
 * @typedef {object} Asked
 * @property {string} url Absolute.
 * @property {Request["method"]} [method] By default `get`.
 * @property {Record<string, string>} [headers]
 * @property {Request["auth"]} [auth] A login that the host fills in.
 * @property {string | Uint8Array | null} [body]
 * @property {number | null} [timeoutMs] How long to wait altogether.
 * @property {boolean} [again] Whether the other side drops what it got already, so that trying once
 * more is safe.
 */

/**
 * What follows from a request that got no answer.
 *
 * A request that left may have been done, which is `indeterminate`; with `again` trying once more is
 * safe, and the error is `unavailable`.
 * @param {string} whom Who was asked.
 * @param {any} why What the host threw.
 */
export function unanswered(whom, why, again = false) {
  /** @type {Record<string, ErrorKind>} */
  const certain = {
    denied: "invalid-config",
    "blocked-address": "invalid-config",
    invalid: "invalid-input",
    "budget-exceeded": "internal",
    dns: "unavailable",
    connect: "unavailable",
    tls: "unavailable",
  };
  const kind = certain[told(why)?.tag] ?? (again ? "unavailable" : "indeterminate");
  return error(kind, `${whom}: ${shown(why)}`);
}

/**
 * Sends a request and waits for the answer, whatever its status.
 * @param {string} whom Who is asked, for errors.
 * @param {Asked} asked
 * @returns {Response & { text: string }}
 */
export function send(whom, asked) {
  const { url, method = "get", headers = {}, auth = null, timeoutMs = null, again } = asked;
  const body = typeof asked.body === "string" ? encode(asked.body) : (asked.body ?? null);
  let answer;
  try {
    answer = ofHost({ url, method, headers: Object.entries(headers), auth, body, timeoutMs });
  } catch (why) {
    throw unanswered(whom, why, again);
  }
  return { ...answer, text: decode(answer.body) };
}

/**
 * Asks an API that answers in JSON: the status, and the value or null where it is no JSON.
 *
 * Throws what is the same everywhere: no answer, too many requests, and a success that cannot be
 * read.
 * @param {string} whom
 * @param {Asked} asked
 * @returns {{ status: number, value: any }}
 */
export function ask(whom, asked) {
  const answer = send(whom, asked);
  if (answer.status === 429) throw rateLimited(whom, retryAfter(answer));
  try {
    return { status: answer.status, value: JSON.parse(answer.text) };
  } catch {
    if (answer.status < 200 || 299 < answer.status) return { status: answer.status, value: null };
    const kind = asked.again ? "unavailable" : "indeterminate";
    throw error(kind, `${whom}: an answer that is no JSON: ${line(answer.text).slice(0, 80)}`);
  }
}

/**
 * The first header of this name, which is in lower case; null where there is none.
 * @param {Array<[string, string]>} headers
 * @param {string} name
 */
export function header(headers, name) {
  return headers.find((it) => it[0].toLowerCase() === name)?.[1] ?? null;
}

/** The seconds of `Retry-After`; null where it is a date, since plugins know no exact time. */
export function retryAfter(/** @type {Response} */ answer) {
  const text = header(answer.headers, "retry-after")?.trim() ?? "";
  return /^[0-9]{1,9}$/.test(text) ? Number(text) : null;
}
