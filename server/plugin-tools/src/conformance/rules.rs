//! What the rules are called: so `test` tells them, and so docs/plugins.md says what each wants.

pub(super) const TOO_MANY: &str = "too many requests are rate-limited";
pub(super) const LOGIN: &str = "a wrong login is the operator's affair";
pub(super) const UNAVAILABLE: &str = "503 is unavailable";
pub(super) const UNREACHED: &str = "no connection is unavailable";
pub(super) const BROKEN: &str = "500 may have been done";
pub(super) const PAGE: &str = "a gateway's page may have been done";
pub(super) const LOST: &str = "a lost answer may have been done";
pub(super) const SILENCE: &str = "silence may have been done";
pub(super) const SAME: &str = "two tries of one delivery ask the same";
pub(super) const MISSING: &str = "a missing secret is named";

pub(super) const DELIVERY: &str = "there is a case of a delivery";
pub(super) const WHOLE: &str = "a message arrives whole";
pub(super) const LEFT_ALONE: &str = "what is no address is left alone";

pub(super) const CHECKOUT: &str = "there is a case of a checkout";
pub(super) const NOTHING: &str = "nothing is never charged";
pub(super) const GIVE_BACK: &str = "no more than was paid goes back";
pub(super) const ASKED_FOR: &str = "what nobody heard of is found by asking";
pub(super) const NO_CENTS: &str = "every currency means what it says";

pub(super) const WEBHOOK: &str = "there is a case of a webhook";
pub(super) const TWICE: &str = "webhooks come twice and in any order";
pub(super) const FORGED: &str = "what is not the provider's is refused";
pub(super) const STALE: &str = "what was signed long ago is refused";
pub(super) const STRANGERS: &str = "what strangers send breaks nothing";
pub(super) const ODD: &str = "odd events break nothing";
pub(super) const UNKNOWN: &str = "what nobody sends is rejected";

pub(super) const TROUBLE_TRIED: &str = "what happens in trouble can be tried";
pub(super) const MESSAGES_TRIED: &str = "what becomes of messages can be tried";
pub(super) const MONEY_TRIED: &str = "what becomes of money can be tried";
pub(super) const WEBHOOKS_TRIED: &str = "what becomes of webhooks can be tried";
