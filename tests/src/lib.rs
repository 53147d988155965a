//! myrelay-tests
