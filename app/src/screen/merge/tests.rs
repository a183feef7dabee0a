//! The screen on plain values, driven by keys.
