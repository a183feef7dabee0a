//! One configuration file → settings and warnings. Pure.

use stratigraph_engine::nearest;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::action::Row;
use crate::config::{GlyphChoice, Motion, SETTINGS, TimeDisplay};
use crate::keymap::{Rebinding, parse_keys};
use crate::theme::Palette;

/// Something in a file that was not understood and is ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Line in the file, from 1.
    pub line: usize,
    /// What is wrong, with the nearest known name.
    pub text: String,
}

/// What one file says; `None` where it says nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FileSettings {
    /// `ui.theme`
    pub theme: Option<Palette>,
    /// `ui.motion`
    pub motion: Option<Motion>,
    /// `ui.time`
    pub time: Option<TimeDisplay>,
    /// `ui.glyphs`
    pub glyphs: Option<GlyphChoice>,
    /// `ui.mouse`
    pub mouse: Option<bool>,
    /// `history.branches`
    pub branches: Option<Vec<String>>,
    /// `history.fold`
    pub fold: Option<bool>,
    /// `history.refresh_seconds`
    pub refresh_seconds: Option<u64>,
    /// `write.actor`
    pub actor: Option<String>,
    /// `keys.*` in the order of the file.
    pub keys: Vec<Rebinding>,
    /// What was not understood.
    pub warnings: Vec<Warning>,
}

const SECTIONS: [&str; 4] = ["ui", "history", "write", "keys"];
const KEY_SECTIONS: [&str; 7] = ["global", "history", "branches", "tables", "merge", "recovery", "jobs"];

/// Reads the text of a file. Unknown names and impossible values become warnings.
///
/// # Errors
/// The parser's message with its line if the text is no TOML at all.
pub fn parse(text: &str) -> Result<FileSettings, String> {
    let table = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        format!("line {line}: {}", error.message())
    })?;
    let mut reader = Reader { text, settings: FileSettings::default() };
    for (name, value) in table.get_ref() {
        let line = line_of(text, name.span().start);
        match (name.get_ref().as_ref(), value.get_ref().as_table()) {
            (section @ ("ui" | "history" | "write"), Some(entries)) => reader.section(section, entries),
            ("keys", Some(sections)) => reader.key_sections(sections),
            (section, Some(_) | None) => reader.unknown(line, "section", section, SECTIONS),
        }
    }
    reader.settings.warnings.sort_by_key(|warning| warning.line);
    Ok(reader.settings)
}

struct Reader<'t> {
    text: &'t str,
    settings: FileSettings,
}

impl Reader<'_> {
    fn section(&mut self, section: &str, entries: &DeTable<'_>) {
        for (name, value) in entries {
            let path = format!("{section}.{}", name.get_ref());
            let line = line_of(self.text, name.span().start);
            match self.settings.set(&path, value.get_ref()) {
                Ok(()) => {}
                Err(Refused::Name) => {
                    self.unknown(line, "setting", &path, SETTINGS.iter().map(|setting| setting.path));
                }
                Err(Refused::Value(values)) => {
                    let text = format!("{path} takes {values}, not {}", shown(value.get_ref()));
                    self.warn(line, text);
                }
            }
        }
    }

    fn key_sections(&mut self, sections: &DeTable<'_>) {
        for (name, value) in sections {
            let line = line_of(self.text, name.span().start);
            let section = name.get_ref().as_ref();
            match value.get_ref().as_table() {
                Some(entries) if KEY_SECTIONS.contains(&section) => self.keys(section, entries),
                Some(_) | None => self.unknown(line, "section of keys", section, KEY_SECTIONS),
            }
        }
    }

    fn keys(&mut self, section: &str, entries: &DeTable<'_>) {
        let mut entries: Vec<(&Spanned<_>, &Spanned<DeValue<'_>>)> = entries.iter().collect();
        entries.sort_by_key(|(name, _)| name.span().start);
        for (name, value) in entries {
            let line = line_of(self.text, name.span().start);
            match (parse_keys(name.get_ref()), value.get_ref().as_str()) {
                (Ok(keys), Some(action)) => self.settings.keys.push(Rebinding {
                    keys,
                    action: (action != "none").then(|| action.to_owned()),
                    section: section.to_owned(),
                    line,
                }),
                (Err(error), _) => self.warn(line, error.to_string()),
                (Ok(_), None) => self.warn(line, format!("the key {:?} needs the name of an action", name.get_ref())),
            }
        }
    }

    fn unknown<'k>(&mut self, line: usize, what: &str, name: &str, known: impl IntoIterator<Item = &'k str>) {
        let hint = nearest(name, known).map_or(String::new(), |near| format!(", did you mean {near}?"));
        self.warn(line, format!("unknown {what} {name}{hint}"));
    }

    fn warn(&mut self, line: usize, text: String) {
        self.settings.warnings.push(Warning { line, text });
    }
}

/// Why a setting was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// There is no setting of this name.
    Name,
    /// The value is none of these.
    Value(&'static str),
}

impl FileSettings {
    /// Sets one setting by its path (`ui.time`).
    ///
    /// # Errors
    /// [`Refused`] if the name is unknown or the value impossible.
    pub fn set(&mut self, path: &str, value: &DeValue<'_>) -> Result<(), Refused> {
        let setting = SETTINGS.iter().find(|setting| setting.path == path).ok_or(Refused::Name)?;
        let word = value.as_str().unwrap_or_default();
        let known = match path {
            "ui.theme" => put(&mut self.theme, choice(word, &Palette::ALL)),
            "ui.motion" => put(&mut self.motion, choice(word, &[("full", Motion::Full), ("reduced", Motion::Reduced)])),
            "ui.time" => put(&mut self.time, choice(word, &[("utc", TimeDisplay::Utc), ("local", TimeDisplay::Local)])),
            "ui.glyphs" => put(&mut self.glyphs, choice(word, GLYPHS)),
            "ui.mouse" => put(&mut self.mouse, value.as_bool()),
            "history.branches" => put(&mut self.branches, texts(value)),
            "history.fold" => put(&mut self.fold, value.as_bool()),
            "history.refresh_seconds" => {
                let number = value.as_integer().and_then(|number| number.as_str().parse().ok());
                put(&mut self.refresh_seconds, number)
            }
            "write.actor" => put(&mut self.actor, Some(word.trim().to_owned()).filter(|name| !name.is_empty())),
            _ => return Err(Refused::Name),
        };
        if known { Ok(()) } else { Err(Refused::Value(setting.values)) }
    }

    /// Sets one setting from what was typed after `:set`; the section may be left out (`time local`).
    ///
    /// # Errors
    /// What is wrong, with the nearest name or the possible values.
    pub fn set_typed(&mut self, name: &str, typed: &str) -> Result<&'static str, String> {
        let matches = |path: &str| path == name || path.split_once('.').is_some_and(|(_, short)| short == name);
        let Some(setting) = SETTINGS.iter().find(|setting| matches(setting.path)) else {
            let names = SETTINGS.iter().filter_map(|setting| Some(setting.path.split_once('.')?.1));
            let hint = nearest(name, names).map_or(String::new(), |near| format!(", did you mean {near}?"));
            return Err(format!("unknown setting {name}{hint}"));
        };
        // Numbers, booleans and lists are TOML as typed; anything else is a word that needs no quotes here.
        let quoted = DeValue::String(typed.into());
        let read = DeValue::parse(typed).map(Spanned::into_inner);
        let value = read.ok().filter(|value| !value.is_datetime()).unwrap_or(quoted);
        match self.set(setting.path, &value) {
            Ok(()) => Ok(setting.path),
            Err(Refused::Value(values)) => Err(format!("{} takes {values}, not {typed}", setting.path)),
            Err(Refused::Name) => Err(format!("unknown setting {name}")),
        }
    }
}

const GLYPHS: &[(&str, GlyphChoice)] =
    &[("auto", GlyphChoice::Auto), ("unicode", GlyphChoice::Unicode), ("ascii", GlyphChoice::Ascii)];

fn put<T>(place: &mut Option<T>, value: Option<T>) -> bool {
    let known = value.is_some();
    if known {
        *place = value;
    }
    known
}

fn choice<T: Copy>(word: &str, choices: &[(&str, T)]) -> Option<T> {
    choices.iter().find(|(name, _)| *name == word).map(|(_, value)| *value)
}

fn texts(value: &DeValue<'_>) -> Option<Vec<String>> {
    let list = value.as_array()?;
    list.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect()
}

fn shown(value: &DeValue<'_>) -> String {
    value.as_str().map_or_else(|| format!("a {}", value.type_str()), |text| format!("{text:?}"))
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
}

/// Warnings about rebindings that name no action or stand in a section where the action does not work.
#[must_use]
pub fn key_warnings(rows: &[Row], keys: &[Rebinding]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for key in keys {
        let Some(name) = &key.action else { continue };
        let text = match rows.iter().find(|row| row.name == name) {
            None => {
                let near = nearest(name, rows.iter().map(|row| row.name));
                let hint = near.map_or(String::new(), |near| format!(", did you mean {near}?"));
                format!("unknown action {name}{hint}")
            }
            Some(row) if row.scope.section() != key.section => {
                format!("{name} belongs under keys.{}", row.scope.section())
            }
            Some(_) => continue,
        };
        warnings.push(Warning { line: key.line, text });
    }
    warnings
}
