//! What the engine lacks, made of what the host gives: console, TextEncoder, TextDecoder, the time and
//! chance. There are no timers, no fetch and no files.

import { now } from "myrelay:plugin/clock@1.0.0";
import { log } from "myrelay:plugin/log@1.0.0";
import { bytes } from "myrelay:plugin/random@1.0.0";

import { decode, encode } from "./utf8.js";

/** Whether a call runs: while the plugin is built there is no host to ask. */
let called = false;

/** A call begins. `guard` says so. */
export function begin() {
  called = true;
}

/** One value as a line of the log shows it. @param {unknown} value */
function shown(value) {
  if (typeof value === "string") return value;
  if (value instanceof Error) return value.stack ? `${value}\n${value.stack}` : String(value);
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

/**
 * @param {import("myrelay:plugin/log@1.0.0").Level} level
 * @returns {(...values: unknown[]) => void}
 */
const writer = (level) => (...values) => {
  if (called) log(level, values.map(shown).join(" "), []);
};

const Real = Date;

function time() {
  if (!called) throw new Error("there is no time before a call: ask for it inside a function");
  return now();
}

/** The date that knows no time of its own: without arguments it is when the call's cause happened. */
class HostDate extends Real {
  /** @param {any[]} given */
  constructor(...given) {
    // @ts-ignore: the arguments are those of the real one.
    super(...(given.length === 0 ? [time()] : given));
  }

  /** When what this call is about happened; it stands still during the call. */
  static now() {
    return time();
  }
}

/** UTF-8 only, as all texts of the interface. */
class Encoder {
  get encoding() {
    return "utf-8";
  }

  encode(text = "") {
    return encode(String(text));
  }
}

/** UTF-8 only. What is no UTF-8 is a mark, or with `fatal` an error. */
class Decoder {
  /** @param {string} label @param {{ fatal?: boolean, ignoreBOM?: boolean }} options */
  constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
    if (!/^utf-?8$/i.test(label.trim())) {
      throw new RangeError(`${label}: plugins decode UTF-8 only`);
    }
    this.fatal = fatal;
    this.ignoreBOM = ignoreBOM;
  }

  get encoding() {
    return "utf-8";
  }

  /** @param {ArrayBuffer | ArrayBufferView} [input] */
  decode(input = new Uint8Array()) {
    const bytes = ArrayBuffer.isView(input)
      ? new Uint8Array(input.buffer, input.byteOffset, input.byteLength)
      : new Uint8Array(input);
    const text = decode(bytes, this.fatal);
    return this.ignoreBOM || text.charCodeAt(0) !== 0xfeff ? text : text.slice(1);
  }
}

const [debug, info, warn, error] = [writer("debug"), writer("info"), writer("warn"), writer("error")];
Object.assign(globalThis, {
  Date: HostDate,
  TextDecoder: Decoder,
  TextEncoder: Encoder,
  console: { debug, error, info, log: info, trace: writer("trace"), warn },
});

const ofEngine = Math.random;

/** A number below 1 that is the same in every try of one delivery. Never make keys of it. */
Math.random = () => {
  if (!called) return ofEngine();
  const [a, b, c, d, e, f] = bytes(6);
  return (((a * 256 + b) * 256 + c) * 2 ** 24 + ((d * 256 + e) * 256 + f)) / 2 ** 48;
};
