//! What goes wrong on purpose, by the name of an event, for the tests of the plugin host.

import { error, remember } from "../../../sdk-js/index.js";

export const misdeeds = {
  /** What the plugin says is wrong, after it wrote something. */
  "sample.says": () => {
    remember("left", "behind");
    throw error("conflict", "it is done\nalready");
  },
  /** A mistake in the program. */
  "sample.mistake": () => {
    remember("left", "behind");
    const nothing = null;
    nothing.field = 1;
  },
  /** Something that is no error. */
  "sample.throws": (data) => {
    throw data;
  },
  "sample.spins": () => {
    for (;;);
  },
  "sample.recurses": () => {
    const again = (depth) => again(depth + 1) + 1;
    again(0);
  },
  "sample.grows": () => {
    const kept = [];
    for (;;) kept.push(new Uint8Array(1 << 20));
  },
  /** What the engine lacks and the SDK brings. */
  "sample.engine": () => {
    const bytes = new TextEncoder().encode("grün – 木 – 🦀");
    const chance = [Math.random(), Math.random()];
    const told = {
      text: new TextDecoder().decode(bytes),
      bytes: bytes.length,
      marks: new TextDecoder().decode(new Uint8Array([0x61, 0xe2, 0x82, 0x41, 0xff, 0xc0, 0x80])),
      now: [new Date().toISOString(), Date.now(), new Date(0).toISOString()],
      chance: chance.every((it) => 0 <= it && it < 1) && chance[0] !== chance[1],
      absent: ["fetch", "setTimeout", "process", "require"].filter((it) => it in globalThis),
    };
    throw error("not-found", JSON.stringify(told));
  },
};
