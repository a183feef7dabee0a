//! What one branch of the sample graph holds, as the records that were loaded.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

/// Who may change a row: a line of the story by its number, or only its script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    Line(usize),
    Script,
}

#[derive(Debug, Clone)]
struct Row {
    record: Json,
    owner: Owner,
}

/// The rows of a branch, by table and id. Branches copy them when they begin.
#[derive(Debug, Clone, Default)]
pub(super) struct Company {
    rows: BTreeMap<(&'static str, String), Row>,
}

impl Company {
    /// Adds a node or changes it.
    pub(super) fn put_node(&mut self, table: &'static str, id: &str, owner: Owner, data: Json) {
        let record = [("type", Json::from(table)), ("data", data)];
        self.put(table, id, owner, Json::from_iter(record));
    }

    /// Adds an edge or changes it.
    pub(super) fn put_edge(&mut self, table: &'static str, id: &str, owner: Owner, ends: (&str, &str), data: Json) {
        let mut data = data;
        data["id"] = json!(id);
        self.put(table, id, owner, json!({"edge": table, "from": ends.0, "to": ends.1, "data": data}));
    }

    fn put(&mut self, table: &'static str, id: &str, owner: Owner, record: Json) {
        self.rows.insert((table, id.to_owned()), Row { record, owner });
    }

    /// Changes properties of a row that is there.
    pub(super) fn edit(&mut self, table: &'static str, id: &str, change: impl FnOnce(&mut Map<String, Json>)) {
        let row = self.rows.get_mut(&(table, id.to_owned()));
        if let Some(data) = row.and_then(|row| row.record["data"].as_object_mut()) {
            change(data);
        }
    }

    /// Gives a row to somebody else.
    pub(super) fn own(&mut self, table: &'static str, id: &str, owner: Owner) {
        if let Some(row) = self.rows.get_mut(&(table, id.to_owned())) {
            row.owner = owner;
        }
    }

    /// Leads an edge to another node.
    pub(super) fn redirect(&mut self, table: &'static str, id: &str, to: &str) {
        if let Some(row) = self.rows.get_mut(&(table, id.to_owned())) {
            row.record["to"] = json!(to);
        }
    }

    /// Removes a node with the edges that begin or end there.
    pub(super) fn remove_node(&mut self, table: &'static str, id: &str, edges: &[&'static str]) {
        self.rows.remove(&(table, id.to_owned()));
        let is_end = |record: &Json| record["from"] == id || record["to"] == id;
        self.rows.retain(|(of, _), row| !(edges.contains(of) && is_end(&row.record)));
    }

    /// The record of a row.
    pub(super) fn record(&self, table: &'static str, id: &str) -> Option<&Json> {
        self.rows.get(&(table, id.to_owned())).map(|row| &row.record)
    }

    /// All ids of a table, ascending.
    pub(super) fn ids(&self, table: &'static str) -> Vec<String> {
        self.of(table).map(|(id, _)| id.clone()).collect()
    }

    /// Ids of the rows of a table that a line may change; all if it shares with nobody.
    pub(super) fn owned_ids(&self, table: &'static str, line: Option<usize>) -> Vec<String> {
        let owned = |row: &Row| match (line, row.owner) {
            (Some(line), owner) => owner == Owner::Line(line),
            (None, Owner::Line(_)) => true,
            (None, Owner::Script) => false,
        };
        self.of(table).filter(|(_, row)| owned(row)).map(|(id, _)| id.clone()).collect()
    }

    fn of(&self, table: &'static str) -> impl Iterator<Item = (&String, &Row)> {
        let rows = self.rows.range((table, String::new())..).take_while(move |((of, _), _)| *of == table);
        rows.map(|((_, id), row)| (id, row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_goes_with_its_edges_and_lines_keep_to_their_rows() {
        let mut company = Company::default();
        for (id, owner) in [("a", Owner::Line(0)), ("b", Owner::Line(1)), ("c", Owner::Script)] {
            company.put_node("Person", id, owner, json!({"slug": id}));
        }
        company.put_edge("ReportsTo", "e", Owner::Line(0), ("a", "b"), json!({}));
        assert_eq!(company.owned_ids("Person", Some(1)), ["b"]);
        assert_eq!(company.owned_ids("Person", None), ["a", "b"]);
        company.edit("Person", "a", |data| drop(data.insert("title".to_owned(), json!("Director"))));
        assert_eq!(company.record("Person", "a").expect("it is there")["data"]["title"], "Director");
        company.remove_node("Person", "b", &["ReportsTo"]);
        assert_eq!((company.ids("Person").len(), company.ids("ReportsTo").len()), (2, 0));
    }
}
