"""How a provider's report is verified, where it signs the body alone. Tests put it into a plugin that
`myrelay plugin new --kind billing` makes."""

import json

from myrelay_sdk import guard, header
from myrelay_sdk.signed import is_signed
from wit_world import exports
from wit_world.exports.webhooks import (
    Accepted,
    Outcome_Accepted,
    Outcome_Rejected,
    Rejection_BadSignature,
)


@guard
class Webhooks(exports.Webhooks):
    def handle(self, request):
        signature = (header(request.headers, "x-signature") or "").removeprefix("sha256=")
        try:
            tags = [bytes.fromhex(signature)]
        except ValueError:
            tags = []
        if not is_signed(["webhook_secret", "webhook_secret_previous"], request.body, tags):
            return Outcome_Rejected(Rejection_BadSignature())
        return Outcome_Accepted(Accepted(json.loads(request.body)["id"], [], None, None))
