//! How a provider's report is verified, where it signs the body alone. Tests put it into a plugin that
//! `myrelay plugin new --kind billing` makes.

import { guard, header, hex, isSigned } from "../sdk/index.js";

export const webhooks = guard({
  handle(request) {
    const text = (header(request.headers, "x-signature") ?? "").replace("sha256=", "");
    const tag = hex(text);
    if (!isSigned(["webhook_secret", "webhook_secret_previous"], request.body, tag ? [tag] : [])) {
      return { tag: "rejected", val: { tag: "bad-signature" } };
    }
    const { id } = JSON.parse(new TextDecoder().decode(request.body));
    return { tag: "accepted", val: { eventId: id, effects: [], status: null, body: null } };
  },
});
