//! What a plugin remembers, as texts.

import { get, set } from "myrelay:plugin/kv@1.0.0";

import { error, shown } from "./errors.js";
import { decode, encode } from "./utf8.js";

/** @template T @param {() => T} run */
function told(run) {
  try {
    return run();
  } catch (why) {
    throw error("internal", `the store: ${shown(why)}`);
  }
}

/** What stands there as a text, or null. */
export function recall(/** @type {string} */ key) {
  const entry = told(() => get(key));
  return entry ? decode(entry.value) : null;
}

/**
 * Writes a text there. It counts once the call returned ok, and not otherwise.
 * @param {string} key
 * @param {string} text
 * @param {number | null} ttlMs After how long it is gone.
 */
export function remember(key, text, ttlMs = null) {
  told(() => set(key, encode(text), ttlMs));
}
