//! What events hold; events.d.ts has a type for each.

import { error } from "./errors.js";

/**
 * @param {{ typeName: string; data: string }} event
 * @returns {any}
 */
export function told(event) {
  try {
    return { type: event.typeName, data: JSON.parse(event.data) };
  } catch (why) {
    throw error("invalid-input", `the data of ${event.typeName}: ${why}`);
  }
}
