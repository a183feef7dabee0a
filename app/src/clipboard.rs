//! Copying through the terminal (OSC 52): works over ssh, and in tmux with `set-clipboard on`.

use std::io::{self, Write};

use crossterm::clipboard::CopyToClipboard;
use crossterm::execute;
use stratigraph_widgets::width::{escape, truncate};

/// Longest text that is handed to the terminal; many refuse more.
pub const LIMIT_BYTES: usize = 75_000;

/// Hands `text` to the terminal's clipboard through `out`. Returns its size in bytes.
///
/// The terminal does not say whether it took it.
///
/// # Errors
/// If the terminal cannot be written to.
pub fn copy(out: &mut impl Write, text: &str) -> io::Result<usize> {
    execute!(out, CopyToClipboard::to_clipboard_from(text))?;
    Ok(text.len())
}

/// A size in bytes for people: `312 B`, `74.2 kB`.
#[must_use]
pub fn size_text(bytes: usize) -> String {
    if bytes < 1000 { format!("{bytes} B") } else { format!("{}.{} kB", bytes / 1000, bytes % 1000 / 100) }
}

/// Columns of a copied text that messages tell.
const TOLD: usize = 48;

/// A copied text as messages tell it: its first line that says something, cut, and how many lines there are.
#[must_use]
pub fn told(text: &str, ellipsis: &str) -> String {
    let lines = text.lines().count();
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    let shown = truncate(&escape(first), TOLD, ellipsis).into_owned();
    match (shown.is_empty(), lines) {
        (true, _) => "an empty text".to_owned(),
        (false, 0 | 1) => shown,
        (false, lines) => format!("{shown} ({lines} lines)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_goes_out_as_osc_52() {
        let mut out = Vec::new();
        assert_eq!(copy(&mut out, "E5QXRC").expect("a vector takes everything"), 6);
        assert_eq!(String::from_utf8_lossy(&out), "\x1b]52;c;RTVRWFJD\x1b\\");
        assert_eq!([6, 999, 74_250].map(size_text), ["6 B", "999 B", "74.2 kB"]);
    }

    #[test]
    fn a_copied_text_is_told_in_one_short_line() {
        let long = "ä".repeat(100);
        let cut = format!("{}…", "ä".repeat(TOLD - 1));
        for (text, expected) in [
            ("Oslo", "Oslo"),
            ("  padded ", "padded"),
            ("one\ntwo\r\nthree\n", "one (3 lines)"),
            ("\n\nbelow", "below (3 lines)"),
            ("a\tb\u{1b}[31m\u{202e}", "a\\tb\\u{1b}[31m\\u{202e}"),
            (long.as_str(), cut.as_str()),
            ("", "an empty text"),
            (" \n ", "an empty text"),
        ] {
            assert_eq!(told(text, "…"), expected, "{text:?}");
        }
    }
}
