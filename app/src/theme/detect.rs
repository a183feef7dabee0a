//! What the terminal can show, from flags and environment. Pure: the environment comes as a value.

use super::Depth;

/// The `--color` flag.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// As the environment says.
    #[default]
    Auto,
    /// Colors whatever the environment says.
    Always,
    /// No colors.
    Never,
}

/// The variables that matter here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// `TERM`
    pub term: Option<String>,
    /// `COLORTERM`
    pub colorterm: Option<String>,
    /// `NO_COLOR`
    pub no_color: Option<String>,
    /// The first set and non-empty one of `LC_ALL`, `LC_CTYPE`, `LANG`.
    pub locale: Option<String>,
    /// `SSH_TTY`
    pub ssh_tty: Option<String>,
}

impl Surroundings {
    /// Reads the environment of the process.
    #[must_use]
    pub fn of_process() -> Self {
        let read = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            term: read("TERM"),
            colorterm: read("COLORTERM"),
            no_color: read("NO_COLOR"),
            locale: read("LC_ALL").or_else(|| read("LC_CTYPE")).or_else(|| read("LANG")),
            ssh_tty: read("SSH_TTY"),
        }
    }

    /// Whether the terminal cannot be drawn on (`TERM=dumb`).
    #[must_use]
    pub fn is_dumb(&self) -> bool {
        self.term.as_deref() == Some("dumb")
    }
}

/// Color depth: the flag, then `NO_COLOR` (not empty), then `TERM` and `COLORTERM`.
#[must_use]
pub fn depth(choice: ColorChoice, around: &Surroundings) -> Depth {
    let refused = around.no_color.as_ref().is_some_and(|value| !value.is_empty());
    match choice {
        ColorChoice::Never => return Depth::None,
        ColorChoice::Auto if refused => return Depth::None,
        ColorChoice::Auto | ColorChoice::Always => {}
    }
    let term = around.term.as_deref().unwrap_or_default();
    match around.colorterm.as_deref() {
        Some("truecolor" | "24bit") => Depth::True,
        _ if term.ends_with("-direct") => Depth::True,
        _ if term.contains("256color") => Depth::Indexed,
        _ if choice == ColorChoice::Auto && (term.is_empty() || term == "dumb" || term.ends_with("-m")) => Depth::None,
        _ => Depth::Named,
    }
}

/// Whether only seven-bit glyphs are safe: the locale is not UTF-8, or the Linux console.
#[must_use]
pub fn ascii_wanted(around: &Surroundings) -> bool {
    let locale = around.locale.as_deref().unwrap_or_default().to_ascii_lowercase();
    let utf8 = locale.contains("utf-8") || locale.contains("utf8");
    !utf8 || around.term.as_deref() == Some("linux")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(term: &str, colorterm: &str, no_color: &str, locale: &str) -> Surroundings {
        let value = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Surroundings {
            term: value(term),
            colorterm: value(colorterm),
            no_color: value(no_color),
            locale: value(locale),
            ssh_tty: None,
        }
    }

    #[test]
    fn depth_follows_flag_then_no_color_then_terminal() {
        use ColorChoice::{Always, Auto, Never};
        let cases = [
            (Auto, "xterm-256color", "truecolor", "", Depth::True),
            (Auto, "xterm-256color", "", "", Depth::Indexed),
            (Auto, "xterm", "", "", Depth::Named),
            (Auto, "xterm-direct", "", "", Depth::True),
            (Auto, "vt220-m", "", "", Depth::None),
            (Auto, "", "", "", Depth::None),
            (Auto, "xterm-256color", "truecolor", "1", Depth::None),
            (Always, "xterm-256color", "", "1", Depth::Indexed),
            (Always, "", "", "1", Depth::Named),
            (Never, "xterm-256color", "truecolor", "", Depth::None),
        ];
        for (choice, term, colorterm, no_color, expected) in cases {
            let found = depth(choice, &around(term, colorterm, no_color, ""));
            assert_eq!(found, expected, "{choice:?} TERM={term} COLORTERM={colorterm} NO_COLOR={no_color}");
        }
    }

    #[test]
    fn ascii_where_the_locale_is_not_utf8_or_on_the_console() {
        for (term, locale, expected) in [
            ("xterm", "en_US.UTF-8", false),
            ("xterm", "C.utf8", false),
            ("xterm", "C", true),
            ("xterm", "", true),
            ("linux", "en_US.UTF-8", true),
        ] {
            assert_eq!(ascii_wanted(&around(term, "", "", locale)), expected, "{term} {locale}");
        }
    }
}
