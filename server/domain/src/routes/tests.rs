//! Golden lists, and what every list must be.
