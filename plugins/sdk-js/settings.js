//! The operator's settings, and amounts.

import { get } from "myrelay:plugin/config@1.0.0";

import { error } from "./errors.js";

/** @typedef {import("myrelay:plugin/types@1.0.0").Money} Money */
/** @typedef {import("myrelay:plugin/lifecycle@1.0.0").ConfigProblem} ConfigProblem */

/** The settings of this installation, which are good by config.schema.json. @returns {any} */
export function settings() {
  return JSON.parse(get());
}

/**
 * What `look` finds in settings that somebody means to save: JSON pointers, and what to do about
 * what stands there.
 * @param {string} candidate
 * @param {(settings: any) => ConfigProblem[]} look
 * @returns {ConfigProblem[]}
 */
export function problems(candidate, look) {
  let read;
  try {
    read = JSON.parse(candidate);
  } catch (why) {
    return [{ path: "", message: String(why) }];
  }
  return look(read);
}

/**
 * The sum of some amounts, all of them in one currency. Numbers beyond 2^53 are not exact, and no
 * sum reaches there.
 * @param {Money[]} amounts
 * @returns {Money}
 */
export function total(amounts) {
  const currency = amounts[0]?.currency;
  const minor = amounts.reduce((sum, it) => sum + it.minor, 0);
  const exact = [minor, ...amounts.map((it) => it.minor)].every(Number.isSafeInteger);
  if (currency === undefined || !exact || amounts.some((it) => it.currency !== currency)) {
    throw error("invalid-input", "amounts of one currency that add up");
  }
  return { minor, currency };
}
