//! The screen's rules on plain values.
