//! Key sequence → action.
//!
//! [`Keymap`] is built from the registry's default keys and the configuration's changes. A lookup goes from the focused
//! pane over the screen to the global keys; the first hit wins. A started sequence waits as long as some scope can
//! continue it.

mod key;
#[cfg(test)]
mod tests;

pub use key::{Key, KeyError, format_keys, parse_keys};

use crate::action::{Row, Scope};

/// One key sequence and the registry row it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// Where it works.
    pub scope: Scope,
    /// The sequence, never empty.
    pub keys: Vec<Key>,
    /// Index of the row in the registry.
    pub row: usize,
}

/// A change of the default keys by the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebinding {
    /// The sequence.
    pub keys: Vec<Key>,
    /// Name of the action; `None` takes the key away.
    pub action: Option<String>,
    /// The section it stands in: `global` or a screen.
    pub section: String,
    /// Line in the file, from 1.
    pub line: usize,
}

/// What a lookup found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// The sequence runs this registry row.
    Hit(usize),
    /// The sequence has these continuations: the keys that are missing, and the row.
    Prefix(Vec<(Vec<Key>, usize)>),
    /// Nothing begins like this.
    Miss,
}

/// All bindings.
#[derive(Debug, Clone, Default)]
pub struct Keymap {
    bindings: Vec<Binding>,
}

/// Two bindings that cannot both work in one pane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// The sequence that hides the other or is equal to it.
    pub first: Binding,
    /// The sequence that is hidden.
    pub second: Binding,
}

impl Keymap {
    /// Builds the default bindings of `rows` and then applies `changes` in order.
    ///
    /// A changed key belongs to its new action alone inside its scope; the other default keys of that action stay.
    /// Unknown action names are skipped (the configuration warns about them when it is read).
    #[must_use]
    pub fn new(rows: &[Row], changes: &[Rebinding]) -> Self {
        let mut keymap = Self::default();
        for (row, entry) in rows.iter().enumerate() {
            for text in entry.keys {
                let keys = parse_keys(text).expect("default keys are tested to parse");
                keymap.bindings.push(Binding { scope: entry.scope, keys, row });
            }
        }
        for change in changes {
            keymap.rebind(rows, change);
        }
        keymap
    }

    fn rebind(&mut self, rows: &[Row], change: &Rebinding) {
        let target = change.action.as_ref().map(|name| rows.iter().position(|row| row.name == name));
        match target {
            None => {
                let same = |binding: &Binding| binding.keys == change.keys && binding.scope.section() == change.section;
                self.bindings.retain(|binding| !same(binding));
            }
            Some(None) => {}
            Some(Some(row)) => {
                let scope = rows[row].scope;
                self.bindings.retain(|binding| {
                    binding.scope.section() != scope.section() || !begins_alike(&binding.keys, &change.keys)
                });
                self.bindings.push(Binding { scope, keys: change.keys.clone(), row });
            }
        }
    }

    /// Finds what `keys` mean in `scopes`, narrowest scope first.
    #[must_use]
    pub fn lookup(&self, scopes: &[Scope], keys: &[Key]) -> Lookup {
        let mut continuations: Vec<(Vec<Key>, usize)> = Vec::new();
        for scope in scopes {
            for binding in self.bindings.iter().filter(|binding| binding.scope == *scope) {
                if binding.keys == keys && continuations.is_empty() {
                    return Lookup::Hit(binding.row);
                }
                if binding.keys.len() > keys.len() && binding.keys.starts_with(keys) {
                    let rest = binding.keys[keys.len()..].to_vec();
                    if !continuations.iter().any(|(known, _)| *known == rest) {
                        continuations.push((rest, binding.row));
                    }
                }
            }
        }
        if continuations.is_empty() { Lookup::Miss } else { Lookup::Prefix(continuations) }
    }

    /// The bindings of a registry row.
    pub fn of_row(&self, row: usize) -> impl Iterator<Item = &Binding> {
        self.bindings.iter().filter(move |binding| binding.row == row)
    }

    /// The first key of a registry row as text, if it has one.
    #[must_use]
    pub fn key_text(&self, row: usize) -> Option<String> {
        self.of_row(row).next().map(|binding| format_keys(&binding.keys))
    }

    /// Pairs of bindings that hide each other within `scopes` (the scopes of one pane, narrowest first): the same keys
    /// twice in one scope, or a sequence that another one begins with. A narrower scope may replace the same keys of a
    /// wider one.
    #[must_use]
    pub fn clashes(&self, scopes: &[Scope]) -> Vec<Clash> {
        let visible: Vec<&Binding> = self.bindings.iter().filter(|binding| scopes.contains(&binding.scope)).collect();
        let mut clashes = Vec::new();
        for (index, first) in visible.iter().enumerate() {
            for second in &visible[index + 1..] {
                let replaced = first.keys == second.keys && first.scope != second.scope;
                if begins_alike(&first.keys, &second.keys) && !replaced {
                    clashes.push(Clash { first: (*first).clone(), second: (*second).clone() });
                }
            }
        }
        clashes
    }
}

fn begins_alike(left: &[Key], right: &[Key]) -> bool {
    left.starts_with(right) || right.starts_with(left)
}
