//! Names of keys: `j`, `G`, `ctrl-d`, `shift-tab`, `space`, and sequences of them separated by blanks (`g g`).

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// One key press, reduced to what terminals without special protocols can tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    ctrl: bool,
    alt: bool,
}

/// Why a key name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The sequence has no key.
    #[error("a key sequence needs at least one key")]
    Empty,
    /// One of the keys has no known name.
    #[error("unknown key {name:?} (write j, G, ctrl-d, shift-tab, space, enter, esc, up, pageup …)")]
    Unknown {
        /// What was written.
        name: String,
    },
}

const NAMED: &[(&str, KeyCode)] = &[
    ("space", KeyCode::Char(' ')),
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("shift-tab", KeyCode::BackTab),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
];

impl Key {
    /// The key with this code, without modifiers.
    #[must_use]
    pub fn plain(code: KeyCode) -> Self {
        Self { code, ctrl: false, alt: false }
    }

    /// The key of a terminal event. Shift is part of the character (`G`), not a modifier.
    #[must_use]
    pub fn of(event: &KeyEvent) -> Self {
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let alt = event.modifiers.contains(KeyModifiers::ALT);
        let code = match event.code {
            KeyCode::Tab if event.modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
            KeyCode::Char(letter) if ctrl => KeyCode::Char(letter.to_ascii_lowercase()),
            code => code,
        };
        Self { code, ctrl, alt }
    }

    /// The terminal event this key arrives as.
    #[must_use]
    pub fn event(self) -> KeyEvent {
        let mut modifiers = KeyModifiers::NONE;
        modifiers.set(KeyModifiers::CONTROL, self.ctrl);
        modifiers.set(KeyModifiers::ALT, self.alt);
        KeyEvent::new(self.code, modifiers)
    }

    /// The key's code, if no modifier is held.
    #[must_use]
    pub fn bare(self) -> Option<KeyCode> {
        (!self.ctrl && !self.alt).then_some(self.code)
    }

    /// The letter that is pressed together with ctrl, if so.
    #[must_use]
    pub fn ctrl_letter(self) -> Option<char> {
        match self.code {
            KeyCode::Char(letter) if self.ctrl && !self.alt => Some(letter),
            _ => None,
        }
    }

    fn parse(text: &str) -> Result<Self, KeyError> {
        let (rest, ctrl) = strip(text, "ctrl-");
        let (rest, alt) = strip(rest, "alt-");
        let named = NAMED.iter().find(|(name, _)| *name == rest).map(|(_, code)| *code);
        let mut letters = rest.chars();
        let code = match (named, letters.next(), letters.next()) {
            (Some(code), _, _) => code,
            (None, Some(letter), None) => KeyCode::Char(letter),
            (None, _, _) => return Err(KeyError::Unknown { name: text.to_owned() }),
        };
        Ok(Self { code, ctrl, alt })
    }
}

fn strip<'a>(text: &'a str, prefix: &str) -> (&'a str, bool) {
    match text.strip_prefix(prefix) {
        Some(rest) if !rest.is_empty() => (rest, true),
        _ => (text, false),
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.ctrl {
            f.write_str("ctrl-")?;
        }
        if self.alt {
            f.write_str("alt-")?;
        }
        match (NAMED.iter().find(|(_, code)| *code == self.code), self.code) {
            (Some((name, _)), _) => f.write_str(name),
            (None, KeyCode::Char(letter)) => write!(f, "{letter}"),
            (None, code) => write!(f, "{code}"),
        }
    }
}

/// Reads a sequence of keys: `g g`, `ctrl-d`.
///
/// # Errors
/// [`KeyError`] if there is no key or one of them is unknown.
pub fn parse_keys(text: &str) -> Result<Vec<Key>, KeyError> {
    let keys = text.split_whitespace().map(Key::parse).collect::<Result<Vec<_>, _>>()?;
    if keys.is_empty() { Err(KeyError::Empty) } else { Ok(keys) }
}

/// Writes a sequence of keys as [`parse_keys`] reads it.
#[must_use]
pub fn format_keys(keys: &[Key]) -> String {
    keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}
