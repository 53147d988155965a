//! Tells a chat what happens to devices, how many it told of today, and on how many days it ran.

import { idempotencyKey } from "myrelay:plugin/context@1.0.0";
import { compareAndSet, get } from "myrelay:plugin/kv@1.0.0";

import {
  ask,
  error,
  failure,
  guard,
  life,
  problems,
  recall,
  remember,
  settings,
} from "../../../sdk-js/index.js";
import { URL } from "../../../sdk-js/url.js";

import { misdeeds } from "./misdeeds.js";

const WORDS = new Map([
  ["peer.added.v1", "A device was added"],
  ["peer.removed.v1", "A device was removed"],
]);

/**
 * Where the number of today's messages stands. Events of several accounts come side by side, and of
 * two at once it counts one: `compareAndSet` of the interface would count both.
 */
const today = () => `told/${new Date().toISOString().slice(0, 10)}`;

const told = () => Number(recall(today()) ?? 0);

function isRoom(text) {
  try {
    return new URL(text).pathname.startsWith("/hooks/");
  } catch {
    // It is no address at all. What `wrong` throws would stand beside no field.
    return false;
  }
}

function wrong(candidate) {
  const message = "the address of a room of the chat: its path begins with /hooks/";
  return problems(candidate, (it) => (isRoom(it.room) ? [] : [{ path: "/room", message }]));
}

/** As in plugin.toml. */
const VERSION = "0.2.0";

/** Whether a version is earlier than another, by their three numbers and nothing behind them. */
function isEarlier(version, than) {
  const [numbers, others] = [version, than].map((it) => it.split(/[-+]/)[0].split(".").map(Number));
  const at = numbers.findIndex((it, at) => it !== others[at]);
  return numbers[at] < others[at];
}

export const lifecycle = life({
  id: "dev.myrelay.sample-chat-js",
  version: VERSION,
  problems: wrong,
  ready: () => `${told()} messages today`,
  /**
   * Brings over what any earlier version remembered. A change of the form is one `if`, which stays in
   * all versions to come.
   */
  migrate(fromVersion) {
    if (isEarlier(VERSION, fromVersion)) {
      // The operator went back, and nobody here knows what the later version wrote.
      throw error("conflict", `what ${fromVersion} remembered is not known here`);
    }
    // Before 0.2.0 there was one number for all days; since then there is one for each.
    if (isEarlier(fromVersion, "0.2.0")) remember("told/before", recall("told") ?? "0");
  },
});

/**
 * Counts one more, however many calls count at the same time: where another one did so meanwhile, the
 * host forgets what this call wanted and makes it again.
 */
function count(key) {
  const entry = get(key);
  const count = Number(entry ? new TextDecoder().decode(entry.value) : 0) + 1;
  compareAndSet(key, entry?.version ?? null, new TextEncoder().encode(String(count)), null);
  return count;
}

export const jobs = guard({
  run(job) {
    if (job !== "count") throw error("not-found", `there is no job ${job}`);
    console.info("days", count("days"));
  },
});

export const events = guard({
  handle(event) {
    misdeeds[event.typeName]?.(event.data);
    const data = JSON.parse(event.data);
    const url = new URL(settings().room);
    url.searchParams.set("pod", data.pod);
    const { status, value } = ask("the chat", {
      method: "post",
      url: url.href,
      headers: {
        "Content-Type": "application/json",
        "Idempotency-Key": idempotencyKey("message"),
      },
      auth: { tag: "bearer", val: "token" },
      body: JSON.stringify({ text: `${WORDS.get(event.typeName)} – ${data.peer}` }),
      timeoutMs: 5000,
    });
    if (500 <= status) throw error(failure(status), `the chat said ${status}`);
    if (300 <= status) throw error("invalid-input", `the chat said ${status}`);
    const count = told() + 1;
    remember(today(), String(count));
    console.info("told", { message: value.id, count });
  },
});
