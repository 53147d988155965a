//! The words of the page that shows a call that was made once more.

pub(crate) const NOTHING_COMES_OF_IT: &str = "Nothing of it was written, and no request left the \
                                              portal: each was answered with what was answered \
                                              then. It saw the same time and drew the same chance, \
                                              and what it remembers as it is now.";
pub(crate) const UNRECORDED_TITLE: &str = "It asked for something else";
pub(crate) const UNRECORDED: &str = "It sent requests to which no answer is kept. They were refused, \
                                     so this may end otherwise than it would.";
pub(crate) const WOULD: &str = "What it would write";
pub(crate) const WOULD_NOTHING: &str = "Nothing.";
pub(crate) const THEN: &str = "What it did then";
pub(crate) const BACK: &str = "Back to the plugin";

/// The heading.
pub(crate) fn title(call: &str) -> String {
    format!("Tried again: {call}")
}

/// What came of it, in a word.
pub(crate) fn outcome(went_well: bool) -> &'static str {
    if went_well { "It would go well" } else { "It would fail" }
}

/// The heading of what came of it.
pub(crate) fn now(version: &str) -> String {
    format!("What version {version} would do")
}
