//! A manifest is read exactly, and every error says what to change.
