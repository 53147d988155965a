//! myrelay-app
