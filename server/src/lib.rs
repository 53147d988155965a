//! myrelay-server
