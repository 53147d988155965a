//! What a plugin in JavaScript or TypeScript is written with. The interface itself is imported by its
//! names, such as "myrelay:plugin/kv@1.0.0", and described in interface.d.ts.

import "./engine.js";

export { PluginError, error, failure, line, rateLimited, shown } from "./errors.js";
export { ask, header, retryAfter, send, unanswered } from "./http.js";
export { guard, life } from "./life.js";
export { recall, remember } from "./memory.js";
export { problems, settings, total } from "./settings.js";
export { hex, isSigned, placeholder } from "./signed.js";
