//! Stories that enter by the doors.
