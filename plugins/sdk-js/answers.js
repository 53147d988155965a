//! Whether a plugin answers what the interface says. The engine hands answers over after the plugin's
//! last line, and where something is missing there, the call ends without a word of it.

import { answers, types } from "./shapes.js";

/** @typedef {import("./shapes.js").Shape} Shape */

/** @type {Record<string, string>} */
const WORDS = {
  string: "a text",
  number: "a number",
  boolean: "true or false",
  bytes: "a Uint8Array",
};

/** A value as an error shows it. @param {unknown} value */
function shown(value) {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 80));
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

/** The first of these that is a text. @param {(string | null)[]} faults */
const first = (faults) => faults.find((it) => it !== null) ?? null;

/**
 * What is wrong with a value, and where in it; null where nothing is.
 * @param {any} value
 * @param {Shape} shape What it has to be.
 * @param {string} at Where it stands.
 * @returns {string | null}
 */
function fault(value, shape, at) {
  const no = (/** @type {string} */ words) =>
    `${at || "it"} has to be ${words}, and is ${shown(value)}`;
  const below = (/** @type {string} */ name) => (at ? `${at}.${name}` : name);
  if (typeof shape === "string") {
    if (Object.hasOwn(types, shape)) return fault(value, types[shape], at);
    return isPlain(value, shape) ? null : no(WORDS[shape]);
  }
  if ("option" in shape) return value == null ? null : fault(value, shape.option, at);
  if ("cases" in shape) {
    return shape.cases.includes(value) ? null : no(`one of ${shape.cases.join(", ")}`);
  }
  if ("list" in shape) {
    if (!Array.isArray(value)) return no("a list");
    return first(value.map((it, index) => fault(it, shape.list, `${at}[${index}]`)));
  }
  if ("tuple" in shape) {
    if (!Array.isArray(value)) return no(`a list of ${shape.tuple.length}`);
    return first(shape.tuple.map((it, index) => fault(value[index], it, `${at}[${index}]`)));
  }
  if (typeof value !== "object" || value === null) return no("an object");
  if ("record" in shape) {
    const fields = Object.entries(shape.record);
    return first(fields.map(([name, it]) => fault(value[name], it, below(name))));
  }
  const names = Object.keys(shape.variant);
  const tag = fault(value.tag, { cases: names }, below("tag"));
  const holds = tag === null ? shape.variant[value.tag] : null;
  return holds === null ? tag : fault(value.val, holds, below("val"));
}

/** @param {unknown} value @param {string} kind */
function isPlain(value, kind) {
  if (kind === "bytes") return value instanceof Uint8Array || Array.isArray(value);
  return typeof value === kind || (kind === "number" && typeof value === "bigint");
}

/**
 * What is wrong with the answer of a function that is called so; null where nothing is. Of the two that
 * are called `handle`, that of events answers nothing.
 * @param {string} name
 * @param {any[]} given
 * @param {unknown} answer
 */
export function wrongAnswer(name, given, answer) {
  const isOfEvents = name === "handle" && given[0]?.typeName !== undefined;
  if (isOfEvents || !Object.hasOwn(answers, name)) return null;
  const why = fault(answer, answers[name], "");
  return why && `what ${name} answers: ${why}`;
}

/** What is wrong with an error, as the interface has it; null where nothing is. @param {unknown} told */
export function wrongError(told) {
  const why = fault(told, "types/error", "");
  return why && `an error of the plugin's: ${why}`;
}
