//! Writing a value of one's own into a cell, of the type of its column.

use std::collections::BTreeMap;
use std::sync::Arc;

use stratigraph_engine::merge::{CellChoice, Choice, Conflict, Side, check_cell};
use stratigraph_engine::{TableKind, Value};

use super::action::Action;
use super::cells::{self, Line, Merged};
use super::resolve::is_about_edges;
use super::{Editing, Merge, words};
use crate::action::Action as Any;
use crate::overlay::{Overlay, Prompt};
use crate::state::Context;

impl Merge {
    /// Asks for a value of the cell under the cursor; `refused` is what was typed before, and why it cannot be.
    pub(super) fn ask_value(&mut self, refused: Option<(String, String)>, cx: &mut Context<'_>) {
        let known = self.editing.clone().zip(refused.clone());
        let cell = known.map(|(editing, (text, _))| (editing.conflict, editing.column, text));
        let Some((conflict, column, text)) = cell.or_else(|| self.cell()) else {
            cx.shared.notice = Some("there is no cell to edit".to_owned());
            return;
        };
        let example = BTreeMap::from([(column.clone(), CellChoice::Value(serde_json::Value::Null))]);
        if let Err(reason) = Choice::Cells(example).fits(&conflict) {
            let kind = words::kind(conflict.key.kind);
            cx.shared.notice = Some(format!("a cell decides no {kind}: {reason} (enter lists what fits)"));
            return;
        }
        let type_text = self.type_of(&conflict, &column).unwrap_or_else(|| "id of a node".to_owned());
        let title = format!("{} {}{}{column}", conflict.key.table, conflict.key.id, cx.shared.theme.dot());
        let prompt = Prompt::new(title, text, |text| Any::Merge(Action::Write(text))).hint(hint(&type_text));
        let prompt = match refused {
            Some((_, reason)) => prompt.refused(reason),
            None => prompt,
        };
        self.editing = Some(Editing { conflict, column });
        cx.open(Overlay::Prompt(prompt));
    }

    /// The cell under the cursor, with what is in it.
    fn cell(&self) -> Option<(Conflict, String, String)> {
        let conflict = self.tree.conflict().filter(|conflict| !is_about_edges(conflict))?;
        let line = self.lines().into_iter().nth(self.row.cursor.row)?;
        let text = text_of(&line);
        Some((conflict.clone(), line.name, text))
    }

    /// The declared type of a column.
    fn type_of(&self, conflict: &Conflict, column: &str) -> Option<String> {
        use stratigraph_engine::schema::DeclarationKind;
        let kind = match conflict.key.table.kind {
            TableKind::Node => DeclarationKind::Node,
            TableKind::Edge => DeclarationKind::Edge,
        };
        let preview = self.preview.as_ref()?;
        let of = preview.types.iter().find(|of| of.kind == kind && of.name == *conflict.key.table.name)?;
        let property = of.properties.iter().find(|property| property.name == column)?;
        Some(property.type_text.clone())
    }

    /// Writes what was typed into the cell, or asks again if it cannot be there.
    pub(super) fn write_value(&mut self, text: String, cx: &mut Context<'_>) {
        let Some(editing) = self.editing.clone() else { return };
        let value = cells::parsed(&text, self.type_of(&editing.conflict, &editing.column).as_deref());
        let own = match self.selected() {
            Some((conflict, Some(rows))) if conflict.key == editing.conflict.key => rows.first().cloned(),
            Some(_) | None => None,
        };
        let Some(own) = own else {
            cx.shared.notice = Some("the row is not on view any more: go to it and edit again".to_owned());
            return;
        };
        let table = &editing.conflict.key.table;
        let catalog = self.preview.as_ref().map(|preview| Arc::clone(&preview.catalog));
        if let Some(Err(reason)) = catalog.map(|catalog| check_cell(&catalog, table, &editing.column, &value)) {
            let reason = format!("{}: {reason}", editing.column);
            return self.ask_value(Some((text, reason)), cx);
        }
        self.choose_cell(&editing.conflict, &own, &editing.column, CellChoice::Value(value), cx);
        self.editing = None;
    }
}

/// Returns the hint that says what can be typed for a column of this type.
fn hint(type_text: &str) -> String {
    let is_text = type_text.starts_with("String");
    match (type_text.ends_with('?'), is_text) {
        (true, true) => format!(r#"{type_text}: empty is no value, "" an empty text, and "a\nb" has a line break"#),
        (true, false) => format!("{type_text}: empty is no value"),
        (false, true) => format!(r#"{type_text}: "a\nb" has a line break"#),
        (false, false) => type_text.to_owned(),
    }
}

/// What is in a cell as it is typed: what it is to be, else what is on the target, else on the source.
fn text_of(line: &Line) -> String {
    let [base, target, source] = &line.cells;
    let value = match &line.merged {
        Merged::Written(value) => return cells::typed(value),
        Merged::From(Side::Base) => base,
        Merged::From(Side::Source) => source,
        Merged::From(Side::Target) | Merged::Agreed | Merged::NoRow | Merged::Open => target,
    };
    let value = value.as_ref().or(target.as_ref()).or(source.as_ref()).or(base.as_ref());
    value.map(Value::to_json).map(|json| cells::typed(&json)).unwrap_or_default()
}
