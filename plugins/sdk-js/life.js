//! The turns of a plugin's life, and the wall between what it throws and the host.

import { log } from "myrelay:plugin/log@1.0.0";

import { wrongAnswer, wrongError } from "./answers.js";
import { begin } from "./engine.js";
import { PluginError, line, shown } from "./errors.js";

/** @typedef {import("myrelay:plugin/lifecycle@1.0.0").ConfigProblem} ConfigProblem */
/** @typedef {import("myrelay:plugin/types@1.0.0").ErrorKind} ErrorKind */

/** What the host is told where this was thrown. @param {unknown} thrown */
function failed(thrown) {
  let why = thrown;
  /** @type {ErrorKind} */
  let kind = "internal";
  if (why instanceof PluginError) {
    const told = why.told();
    const wrong = wrongError(told);
    if (wrong === null) return told;
    // What happens next is up to its kind, whatever else is wrong with it.
    if (wrongError(new PluginError(why.kind, "").told()) === null) kind = why.kind;
    why = new TypeError(wrong, { cause: thrown });
  }
  // A line of the log is one line.
  const places = why instanceof Error && why.stack ? why.stack.trim().split(/\s*\n\s*/) : [];
  log("error", [shown(why).replace(/\s*\n\s*/g, "; "), ...places].join("; "), []);
  return new PluginError(kind, line(shown(why))).told();
}

/**
 * Wraps what a plugin exports: a `PluginError` is told as it is, and everything else that is thrown
 * is written to the log and told as `internal`. So is an answer that lacks something.
 * @template {Record<string, (...given: any[]) => any>} T
 * @param {T} exports
 * @returns {T}
 */
export function guard(exports) {
  /** @type {(name: string, run: (...given: any[]) => any) => (...given: any[]) => any} */
  const wrap = (name, run) => (...given) => {
    begin();
    try {
      const answer = run(...given);
      // Nobody waits for it: the host has the answer once the function returns.
      if (answer instanceof Promise) throw new TypeError("a plugin's function cannot be async");
      const wrong = wrongAnswer(name, given, answer);
      if (wrong !== null) throw new TypeError(wrong);
      return answer;
    } catch (why) {
      throw failed(why);
    }
  };
  const wrapped = Object.entries(exports).map(([name, run]) => [name, wrap(name, run)]);
  return Object.fromEntries(wrapped);
}

/**
 * The lifecycle of a plugin that sets nothing up at its provider and whose memory has had one form
 * so far; hand in what is different.
 * @param {object} plugin
 * @param {string} plugin.id As in plugin.toml.
 * @param {string} plugin.version As in plugin.toml.
 * @param {(candidate: string) => ConfigProblem[]} plugin.problems What is wrong with settings.
 * @param {() => string} plugin.ready Throws where something is not in place, and says what it is
 * connected to.
 * @param {(webhookUrl: string | null) => void} [plugin.activate]
 * @param {() => void} [plugin.deactivate]
 * @param {(fromVersion: string) => void} [plugin.migrate]
 * @returns {typeof import("myrelay:plugin/lifecycle@1.0.0")}
 */
export function life(plugin) {
  const { id, version, problems, ready } = plugin;
  const calls = guard({
    activate: plugin.activate ?? (() => void ready()),
    deactivate: plugin.deactivate ?? (() => {}),
    validateConfig: problems,
    migrate: plugin.migrate ?? (() => {}),
    health() {
      try {
        return { ok: true, detail: ready() };
      } catch (why) {
        return { ok: false, detail: line(why instanceof Error ? why.message : shown(why)) };
      }
    },
  });
  return { ...calls, describe: () => ({ id, version, apiVersion: "1.0" }) };
}
