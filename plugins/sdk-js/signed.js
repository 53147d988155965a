//! Secrets in requests, and signatures by secrets that the plugin never sees.

import { hmacVerify } from "myrelay:plugin/crypto@1.0.0";
import { placeholder as ofHost } from "myrelay:plugin/secrets@1.0.0";

import { error, shown } from "./errors.js";

/** What stands for a secret in requests; an error for the operator where it is not there. */
export function placeholder(/** @type {string} */ name) {
  try {
    return ofHost(name);
  } catch (why) {
    throw error("invalid-config", `the secret ${name}: ${shown(why)}`);
  }
}

/**
 * Whether one of the tags is the HMAC-SHA256 of a message by one of the secrets. The first secret
 * has to be there; the others need not be, since they are there only while the first is changed.
 * @param {string[]} secrets
 * @param {Uint8Array} message
 * @param {Uint8Array[]} tags
 */
export function isSigned(secrets, message, tags) {
  const by = (/** @type {string} */ name, /** @type {number} */ at) => {
    try {
      return tags.some((tag) => hmacVerify(name, "utf8", "sha256", message, tag));
    } catch (why) {
      if (0 < at) return false;
      throw error("invalid-config", `the secret ${name}: ${shown(why)}`);
    }
  };
  return secrets.some(by);
}

/** Bytes that are written as hexadecimal digits; null where it is none. */
export function hex(/** @type {string} */ text) {
  if (!/^([0-9a-f]{2})*$/i.test(text)) return null;
  const pairs = text.match(/../g) ?? [];
  return Uint8Array.from(pairs, (it) => Number.parseInt(it, 16));
}
