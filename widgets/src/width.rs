//! Columns of text: measuring, cutting, padding, and making the unprintable visible.
//!
//! All lengths are terminal columns. Text is cut between grapheme clusters, never inside one; [`escape`] comes before cutting,
//! so that no control character and no bidirectional mark reaches the terminal.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// On which side padding goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Align {
    /// Text at the left, padding at the right.
    #[default]
    Left,
    /// Text at the right, padding at the left; for numbers.
    Right,
}

/// Returns the width of `text` in columns.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// Returns whether terminals disagree about the width of a cluster: of one that is made of several scalars (combining marks, emoji with
/// a selector, joined emoji, flags, syllables of Indic and South East Asian scripts), and of a scalar outside the ranges whose width
/// is settled (emoji, what came to Unicode late, what has no width).
#[must_use]
pub fn is_disputed(cluster: &str) -> bool {
    let mut scalars = cluster.chars();
    match (scalars.next(), scalars.next()) {
        (Some(only), None) => !is_settled(only),
        (Some(_), Some(_)) => true,
        (None, _) => false,
    }
}

/// Whether every terminal gives a scalar the same width.
fn is_settled(scalar: char) -> bool {
    matches!(scalar,
        ' '..='~'
        // Latin, Greek, Cyrillic, Armenian; without the soft hyphen and marks.
        | '\u{a0}'..='\u{ac}' | '\u{ae}'..='\u{2ff}' | '\u{370}'..='\u{482}' | '\u{48a}'..='\u{58a}'
        | '\u{1e00}'..='\u{1fff}'
        // Punctuation, letterlike signs, arrows, operators, boxes, blocks, shapes; without those that have an emoji of their own.
        | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{203b}' | '\u{203d}'..='\u{2048}' | '\u{204a}'..='\u{205e}'
        | '\u{2070}'..='\u{20bf}' | '\u{2100}'..='\u{2121}' | '\u{2123}'..='\u{2138}' | '\u{213a}'..='\u{2193}'
        | '\u{219a}'..='\u{21a8}' | '\u{21ab}'..='\u{2319}' | '\u{2400}'..='\u{2426}' | '\u{2460}'..='\u{24c1}'
        | '\u{24c3}'..='\u{25a9}' | '\u{25ac}'..='\u{25b5}' | '\u{25b7}'..='\u{25bf}' | '\u{25c1}'..='\u{25fa}'
        | '\u{2713}' | '\u{2717}' | '\u{2800}'..='\u{28ff}'
        // Chinese, Japanese, Korean.
        | '\u{3000}'..='\u{3029}' | '\u{3041}'..='\u{3096}' | '\u{309b}'..='\u{30ff}' | '\u{3105}'..='\u{312f}'
        | '\u{3131}'..='\u{318e}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}' | '\u{ff01}'..='\u{ff60}')
}

/// Cuts `text` to at most `columns`, ending in `ellipsis` if something was cut and the ellipsis fits.
#[must_use]
pub fn truncate<'a>(text: &'a str, columns: usize, ellipsis: &str) -> Cow<'a, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let sign = if width(ellipsis) <= columns { ellipsis } else { "" };
    let kept = head(text, columns - width(sign));
    if sign.is_empty() { Cow::Borrowed(kept) } else { Cow::Owned(format!("{kept}{sign}")) }
}

/// Returns the longest beginning of `text` that fits into `columns`.
#[must_use]
pub fn head(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        used += width(grapheme);
        if used > columns {
            return &text[..at];
        }
    }
    text
}

/// Returns `text` in exactly `columns`: cut or padded with spaces.
#[must_use]
pub fn fit(text: &str, columns: usize, align: Align, ellipsis: &str) -> String {
    let text = truncate(text, columns, ellipsis);
    let padding = " ".repeat(columns.saturating_sub(width(&text)));
    match align {
        Align::Left => format!("{text}{padding}"),
        Align::Right => format!("{padding}{text}"),
    }
}

/// Makes control characters and bidirectional marks visible as `\u{1b}`; line feed, tab and carriage return as `\n`, `\t`, `\r`.
///
/// Zero-width joiners and combining marks stay: they belong to the grapheme they shape.
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unprintable) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for sign in text.chars() {
        match sign {
            '\n' => escaped.push_str("\\n"),
            '\t' => escaped.push_str("\\t"),
            '\r' => escaped.push_str("\\r"),
            other if is_unprintable(other) => {
                write!(escaped, "\\u{{{:x}}}", u32::from(other)).expect("writing to a string cannot fail");
            }
            other => escaped.push(other),
        }
    }
    Cow::Owned(escaped)
}

/// Breaks `text` into lines of at most `columns`, at spaces where possible; at least one line, no line without `columns`.
#[must_use]
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    if columns == 0 {
        return Vec::new();
    }
    let mut done = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && width(&line) + 1 + width(word) <= columns {
            line.push(' ');
            line.push_str(word);
            continue;
        }
        if !line.is_empty() {
            done.push(std::mem::take(&mut line));
        }
        for grapheme in word.graphemes(true).filter(|grapheme| width(grapheme) <= columns) {
            if width(&line) + width(grapheme) > columns {
                done.push(std::mem::take(&mut line));
            }
            line.push_str(grapheme);
        }
    }
    done.push(line);
    done
}

/// As [`wrap`], with the spaces of a line that fits, and the indentation of one that does not.
#[must_use]
pub fn wrap_line(text: &str, columns: usize) -> Vec<String> {
    if width(text) <= columns {
        return vec![text.to_owned()];
    }
    let indent = text.len() - text.trim_start_matches(' ').len();
    let indent = " ".repeat(indent.min(columns.saturating_sub(1)));
    let parts = wrap(text, columns.saturating_sub(indent.len()));
    parts.into_iter().map(|part| format!("{indent}{part}")).collect()
}

fn is_unprintable(sign: char) -> bool {
    sign.is_control()
        || matches!(sign, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping_keeps_what_is_in_line() {
        assert_eq!(wrap_line("  a   b", 7), ["  a   b"]);
        assert_eq!(wrap_line("  aa   bb", 5), ["  aa", "  bb"]);
        assert_eq!(wrap_line("     aa", 3), ["  a", "  a"]);
        assert_eq!(wrap_line("", 3), [""]);
        assert_eq!(wrap_line("a", 0), Vec::<String>::new());
    }

    #[test]
    fn cutting_never_splits_a_grapheme() {
        let family = "👨‍👩‍👧x";
        assert_eq!(truncate(family, 2, "…"), "…");
        assert_eq!(head(family, 2), "👨‍👩‍👧");
        assert_eq!(head("e\u{301}a", 1), "e\u{301}");
        assert_eq!(head("日本", 3), "日");
    }

    #[test]
    fn the_ellipsis_is_left_out_where_it_does_not_fit() {
        assert_eq!(truncate("abcdef", 4, "…"), "abc…");
        assert_eq!(truncate("abcdef", 4, "..."), "a...");
        assert_eq!(truncate("abcdef", 2, "..."), "ab");
        assert_eq!(truncate("abcdef", 0, "…"), "");
        assert_eq!(truncate("abc", 3, "…"), "abc");
    }

    #[test]
    fn fitting_gives_exactly_the_columns() {
        assert_eq!(fit("7", 3, Align::Right, "…"), "  7");
        assert_eq!(fit("日本語", 4, Align::Left, "…"), "日… ");
        assert_eq!(fit("", 2, Align::Left, "…"), "  ");
    }

    #[test]
    fn terminals_agree_about_plain_letters_and_our_own_signs_alone() {
        let plain = "aZ0~ é ß Ω ж Ա … – “ → ▸ ▾ │ ╭ █ ● ○ ◉ ∅ ␣ ✓ ⠋ 日 本 한 ア ｆ";
        for cluster in plain.graphemes(true) {
            assert!(!is_disputed(cluster), "{cluster}");
        }
        let disputed = [
            "⚡️",
            "⚡",
            "☀️",
            "❤️",
            "1️⃣",
            "👍🏽",
            "👨‍👩‍👧",
            "🇩🇪",
            "🏴‍☠️",
            "நி",
            "த",
            "กำ",
            "ที่",
            "ก",
            "क्षि",
            "क",
            "e\u{301}",
            "\u{1100}\u{1161}",
            "\u{ad}",
            "\u{200b}",
            "\u{fe0f}",
            "ਪੰ",
            "မြ",
            "𓀀",
            "\u{1fae8}",
        ];
        for cluster in disputed {
            assert!(is_disputed(cluster), "{cluster}");
        }
        assert!(!is_disputed(""));
    }

    #[test]
    fn the_unprintable_becomes_visible() {
        assert_eq!(escape("a\u{1b}[31m\n"), "a\\u{1b}[31m\\n");
        assert_eq!(escape("\u{202e}abc\u{2069}"), "\\u{202e}abc\\u{2069}");
        assert!(matches!(escape("plain 日本"), Cow::Borrowed(_)));
    }

    #[test]
    fn wrapping_breaks_at_spaces_and_in_long_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh i", 3), ["abc", "def", "gh", "i"]);
        assert_eq!(wrap("", 3), [""]);
        assert!(wrap("a", 0).is_empty());
    }
}
