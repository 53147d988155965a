//! myrelay-browser
