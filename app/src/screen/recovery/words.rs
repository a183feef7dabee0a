//! What is known of an interrupted write and of a drifted table, as lines of text.

use stratigraph_engine::recovery::{Classification, Decision, RecoveryStep, SidecarState, TableStanding, WriterKind};
use stratigraph_widgets::width::{Align, escape, fit, width, wrap};

use super::drift::{Drifted, Standing};
use super::observed::{Entry, Observed};
use crate::config::TimeDisplay;
use crate::recovery::{MAY_BE_LIVE, action, classification_words, decision_words, then, why, writer_words};
use crate::theme::{Role, Theme};
use crate::view::{age, moment};

/// A line as pieces with their roles.
pub(super) type Line = Vec<(String, Role)>;

/// How lines are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    /// Signs.
    pub(super) theme: Theme,
    /// Columns there are.
    pub(super) columns: usize,
    /// Present moment.
    pub(super) now_micros: i64,
    /// Zone of absolute times.
    pub(super) time: TimeDisplay,
}

impl Style {
    /// A text in as many lines as it takes.
    pub(super) fn text(&self, text: &str, role: Role) -> Vec<Line> {
        wrap(&escape(text), self.columns.max(1)).into_iter().map(|line| vec![(line, role)]).collect()
    }

    /// A name and its text; what does not fit goes on below the text.
    pub(super) fn field(&self, name: &str, text: &str, role: Role) -> Vec<Line> {
        const NAME: usize = 11;
        let room = self.columns.saturating_sub(NAME).max(12);
        let lines = wrap(&escape(text), room).into_iter().enumerate();
        let named = |(number, line): (usize, String)| {
            let name = if number == 0 { name } else { "" };
            vec![(format!("{name:<NAME$}"), Role::Dim), (line, role)]
        };
        lines.map(named).collect()
    }
}

/// What would be done about it, in the words of the list.
pub(super) fn prediction(entry: &Entry) -> (&'static str, Role) {
    match (entry.state(), entry.decision()) {
        (Some(SidecarState::Newer { .. }), _) => ("newer format", Role::Error),
        (Some(SidecarState::Unreadable { .. }), _) => ("unreadable", Role::Error),
        (_, None) => ("no prediction", Role::Dim),
        (_, Some(decision)) => (decision_words(decision), decision_role(decision)),
    }
}

/// How a decision looks.
pub(super) fn decision_role(decision: Decision) -> Role {
    match decision {
        Decision::RollForward => Role::Good,
        Decision::RollBack | Decision::OrphanedBranch => Role::Warning,
        Decision::Discard | Decision::StaleAfterSuccess | Decision::StaleAfterRollBack => Role::Text,
        Decision::Wait => Role::Warning,
        Decision::Refuse => Role::Error,
    }
}

/// Who was interrupted: `Load on main by dana`.
pub(super) fn writer(entry: &Entry) -> String {
    match (&entry.step, entry.sidecar()) {
        (Some(step), Some(_)) => writer_words(step),
        (None, Some(sidecar)) => {
            let actor = sidecar.actor_id.as_deref().map(|actor| format!(" by {actor}")).unwrap_or_default();
            format!("{} on {}{actor}", sidecar.writer_kind, sidecar.branch())
        }
        (_, None) => "of an unknown writer".to_owned(),
    }
}

/// `4 tables`
pub(super) fn tables(count: usize) -> String {
    if count == 1 { "1 table".to_owned() } else { format!("{count} tables") }
}

/// What the list says of an entry besides its prediction, the most important first.
pub(super) fn notes(entry: &Entry, observed: &Observed, now_micros: i64) -> Vec<(String, Role)> {
    let mut notes = Vec::new();
    if let Some(changed) = &entry.changed {
        notes.push((format!("~ {changed}"), Role::Changed));
    }
    if !entry.is_closed() {
        notes.push((tables(entry.tables()), Role::Dim));
    }
    if let Some(after) = &entry.after {
        notes.push((format!("after {}", observed.short(after)), Role::Dim));
    }
    if entry.is_young(now_micros) {
        notes.push((MAY_BE_LIVE.to_owned(), Role::Warning));
    }
    notes
}

/// Everything about an interrupted write.
pub(super) fn inspect(entry: &Entry, observed: &Observed, style: &Style) -> Vec<Line> {
    let dot = style.theme.dot();
    let (predicted, role) = prediction(entry);
    let mut lines = style.text(&entry.id, Role::Title);
    let count = if entry.is_closed() { String::new() } else { format!("{dot}{}", tables(entry.tables())) };
    lines.extend(style.text(&format!("{}{count}", writer(entry)), Role::Text));
    if let Some(started) = entry.started_micros() {
        let by = if entry.is_closed() { ", by its name" } else { "" };
        let (time, ago) = (moment(started, style.time), age(started, style.now_micros));
        lines.extend(style.text(&format!("started {time} ({} ago{by})", ago.trim()), Role::Text));
    }
    let predicted = match entry.step {
        Some(_) => format!("predicted: {}", predicted.to_uppercase()),
        None => predicted.to_owned(),
    };
    lines.extend(style.text(&predicted, role));
    if let Some(changed) = &entry.changed {
        lines.extend(style.text(&format!("~ {changed}"), Role::Changed));
    }
    if entry.is_young(style.now_micros) {
        lines.extend(style.text(&format!("! younger than 10 minutes: {MAY_BE_LIVE}"), Role::Warning));
    }
    lines.extend(reasons(entry, observed, style));
    if let Some(step) = &entry.step {
        if !step.tables.is_empty() {
            lines.push(Vec::new());
            lines.extend(standings(&step.tables, style));
        }
        lines.push(Vec::new());
        lines.extend(consequences(entry, step, style));
    }
    lines.push(Vec::new());
    lines.extend(style.field("File", &format!("__recovery/{}.json", entry.id), Role::Dim));
    lines
}

/// Why it is predicted.
fn reasons(entry: &Entry, observed: &Observed, style: &Style) -> Vec<Line> {
    let mut lines = Vec::new();
    match (&entry.step, &observed.pending) {
        (None, Err(failure)) => {
            let text = format!("Nothing can be predicted: {}", failure.sentence());
            lines.extend(style.field("Why", &text, Role::Error));
        }
        (None, Ok(_)) => lines.extend(style.field("Why", "It came while the others were looked at: r", Role::Text)),
        (Some(step), _) => lines.extend(style.field("Why", &reason(step), Role::Text)),
    }
    if let Some(after) = &entry.after {
        let text = format!("{}, which names a table of it, and is predicted on its result", observed.short(after));
        lines.extend(style.field("After", &text, Role::Text));
    }
    lines
}

/// What is done about it, when, or what it blocks if nothing is.
fn consequences(entry: &Entry, step: &RecoveryStep, style: &Style) -> Vec<Line> {
    if !step.decision.settles() {
        return blocked(entry, step, style);
    }
    let mut lines = Vec::new();
    for (number, (table, does)) in actions(step).enumerate() {
        let name = if number == 0 { "Tables" } else { "" };
        lines.extend(style.field(name, &format!("{table}: {does}"), Role::Text));
    }
    lines.extend(style.field("Then", then(step), Role::Text));
    lines.extend(style.field("Online", online(step.decision), Role::Text));
    lines.extend(style.field("At opening", &format!("{} (S, or :write)", decision_words(step.decision)), Role::Text));
    lines
}

/// What is done to its tables, as far as something is.
fn actions(step: &RecoveryStep) -> impl Iterator<Item = (&str, String)> {
    let does = step.tables.iter().map(|table| (table.table_key.as_str(), action(step.decision, table)));
    does.filter(|(_, does)| does != "nothing")
}

/// What healing online does about a decision.
fn online(decision: Decision) -> &'static str {
    match decision {
        Decision::RollForward
        | Decision::Discard
        | Decision::StaleAfterSuccess
        | Decision::StaleAfterRollBack
        | Decision::OrphanedBranch => "healed before the next write, or with H",
        Decision::RollBack => "deferred: rolling back needs exclusive access",
        Decision::Wait => "once its tables can be read again",
        Decision::Refuse => "never",
    }
}

/// What a file blocks that nobody settles, what works nevertheless, and what a person can do.
fn blocked(entry: &Entry, step: &RecoveryStep, style: &Style) -> Vec<Line> {
    const ALL: &str = "reading: history, tables, time travel, differences, export";
    let (blocks, works, to_do) = match entry.state() {
        Some(SidecarState::Newer { .. }) => (
            "opening for writing, load, mutate, merge: all of the graph".to_owned(),
            ALL,
            "upgrade this program, or let the one that wrote it settle it; else Q moves the file out of the graph",
        ),
        Some(SidecarState::Unreadable { .. }) | None => (
            "opening for writing, load, mutate, merge: all of the graph".to_owned(),
            ALL,
            "find out what wrote it; Q moves the file out of the graph once you know",
        ),
        Some(SidecarState::Readable(sidecar)) if step.decision == Decision::Wait => (
            "writes to its tables on its branch, which cannot be read either".to_owned(),
            "reading and writing elsewhere",
            if sidecar.branch().is_main() {
                "put back what is missing: then it is settled; Q moves the file out of the graph"
            } else {
                "put back what is missing, or delete the branch: then it is settled; Q moves the file out of the graph"
            },
        ),
        Some(SidecarState::Readable(_)) if step.blocked.is_some() => (
            "opening for writing, load, mutate, merge: all of the graph".to_owned(),
            ALL,
            "find out how it came to be like this; Q moves the file out of the graph once you know",
        ),
        Some(SidecarState::Readable(_)) => (
            format!("opening for writing; load, mutate, merge: {}", lost(step).join(", ")),
            "reading: history, and tables where they are not behind their pins",
            "put the lost versions back from a backup; Q moves the record out of the graph, which mends no table",
        ),
    };
    let mut lines = style.field("Blocks", &blocks, Role::Error);
    lines.extend(style.field("Works", works, Role::Good));
    lines.extend(style.field("To do", to_do, Role::Text));
    lines.extend(style.field("", "i shows it as it is, y copies it, e exports it", Role::Dim));
    lines
}

/// Tables that lost versions.
fn lost(step: &RecoveryStep) -> Vec<&str> {
    let is_lost = |table: &&TableStanding| table.classification == Classification::InvariantViolation;
    step.tables.iter().filter(is_lost).map(|table| table.table_key.as_str()).collect()
}

/// Why a decision is what it is, with the tables it hangs on.
pub(super) fn reason(step: &RecoveryStep) -> String {
    let named = |wanted: &dyn Fn(&TableStanding) -> bool| -> Vec<&str> {
        step.tables.iter().filter(|table| wanted(table)).map(|table| table.table_key.as_str()).collect()
    };
    match step.decision {
        Decision::RollForward => format!("{}. It becomes visible as a whole.", why(step)),
        Decision::RollBack => {
            let mut parts = Vec::new();
            for classification in [
                Classification::NoMovement,
                Classification::UnexpectedAtP1,
                Classification::UnexpectedMultistep,
                Classification::IncompletePhaseB,
            ] {
                let tables = named(&|table| table.classification == classification);
                if !tables.is_empty() {
                    parts.push(format!("{} {}", tables.join(", "), short_of(classification)));
                }
            }
            if parts.is_empty() {
                parts.push("the schema files of the change are not in place".to_owned());
            }
            let back: Vec<String> = step
                .tables
                .iter()
                .filter(|table| table.head > table.pinned)
                .map(|table| format!("{} returns to {}", table.table_key, table.pinned))
                .collect();
            format!(
                "{}, so the write is incomplete; {}. Nothing of it was ever visible.",
                parts.join("; "),
                back.join(", ")
            )
        }
        Decision::Refuse if step.blocked.is_none() => {
            let tables = step.tables.iter().filter(|table| table.head < table.pinned);
            let facts: Vec<String> =
                tables.map(|table| format!("{} head {}, pin {}", table.table_key, table.head, table.pinned)).collect();
            format!("{} ({})", why(step), facts.join("; "))
        }
        Decision::Refuse
        | Decision::Wait
        | Decision::Discard
        | Decision::StaleAfterSuccess
        | Decision::StaleAfterRollBack
        | Decision::OrphanedBranch => why(step),
    }
}

/// In what a table falls short of the whole write.
fn short_of(classification: Classification) -> &'static str {
    match classification {
        Classification::NoMovement => "never moved",
        Classification::IncompletePhaseB => "moved without the merge's word that it is complete",
        Classification::InvariantViolation
        | Classification::RolledPastExpected
        | Classification::UnexpectedAtP1
        | Classification::UnexpectedMultistep => classification_words(classification),
    }
}

/// The table of tables; two lines each where one is too long.
fn standings(tables: &[TableStanding], style: &Style) -> Vec<Line> {
    const TITLES: [&str; 4] = ["expected", "planned", "pinned", "head"];
    let longest = |texts: &mut dyn Iterator<Item = &str>| texts.map(width).max().unwrap_or(0);
    let names = longest(&mut tables.iter().map(|table| &*table.table_key)).max(5);
    let words = longest(&mut tables.iter().map(|table| classification_words(table.classification)));
    let numbers: usize = TITLES.iter().map(|title| title.len() + 2).sum();
    let of = |table: &TableStanding| [table.expected, table.planned, table.pinned, table.head];
    if names + numbers + words + 2 > style.columns {
        let lines = tables.iter().flat_map(|table| {
            let dot = style.theme.dot();
            let numbers: Vec<String> =
                TITLES.iter().zip(of(table)).map(|(title, number)| format!("{title} {number}")).collect();
            let first = format!("{}{dot}{}", table.table_key, classification_words(table.classification));
            let mut lines = style.text(&first, class_role(table.classification));
            lines.extend(style.text(&numbers.join(dot), Role::Dim));
            lines
        });
        return lines.collect();
    }
    let mut header = fit("table", names, Align::Left, "");
    for title in TITLES {
        header += &format!("  {title}");
    }
    let mut lines = vec![vec![(format!("{header}  classification"), Role::Dim)]];
    for table in tables {
        let mut text = fit(&escape(&table.table_key), names, Align::Left, "");
        for (title, number) in TITLES.iter().zip(of(table)) {
            text += &format!("  {number:>wide$}", wide = title.len());
        }
        let class = classification_words(table.classification).to_owned();
        lines.push(vec![(text + "  ", Role::Text), (class, class_role(table.classification))]);
    }
    lines
}

fn class_role(classification: Classification) -> Role {
    match classification {
        Classification::RolledPastExpected => Role::Good,
        Classification::NoMovement => Role::Text,
        Classification::UnexpectedAtP1 | Classification::UnexpectedMultistep | Classification::IncompletePhaseB => {
            Role::Warning
        }
        Classification::InvariantViolation => Role::Error,
    }
}

/// How head and pin of a drifted table differ, in a few words.
pub(super) fn drift_words(drifted: &Drifted) -> String {
    let pin = drifted.entry.version;
    match &drifted.standing {
        Standing::Past { head, .. } => format!("head {head} is past its pin {pin}"),
        Standing::Behind { head } => format!("head {head} is behind its pin {pin}"),
        Standing::Unreadable(_) => "its head cannot be read".to_owned(),
    }
}

/// Everything about a drifted table.
pub(super) fn inspect_drift(drifted: &Drifted, style: &Style) -> Vec<Line> {
    let mut lines = style.text(&format!("{} on {}", drifted.entry.key, drifted.branch), Role::Title);
    lines.extend(style.text(&drift_words(drifted), Role::Warning));
    lines.push(Vec::new());
    match &drifted.standing {
        Standing::Past { head, operations } => lines.extend(past(drifted, *head, operations, style)),
        Standing::Behind { .. } => {
            lines.extend(style.field("Why", "The table lost versions that the branch shows.", Role::Text));
            lines.extend(style.field("Blocks", "reading the table here, and writes to it", Role::Error));
            lines.extend(style.field("To do", "put its folder back from a backup", Role::Text));
        }
        Standing::Unreadable(reason) => {
            lines.extend(style.field("Why", reason, Role::Error));
            lines.extend(style.field("To do", "check the storage, then r", Role::Text));
        }
    }
    lines.push(Vec::new());
    lines.extend(style.field("Folder", &drifted.entry.path, Role::Dim));
    lines
}

fn past(
    drifted: &Drifted,
    head: u64,
    operations: &[stratigraph_engine::storage::VersionInfo],
    style: &Style,
) -> Vec<Line> {
    let pin = drifted.entry.version.get();
    let mut lines = vec![vec![(format!("{:<9}{:<22}operation past the pin", "version", "made"), Role::Dim)]];
    lines.extend(operations.iter().map(|version| {
        let made = moment(version.committed_at_micros, style.time);
        let operation = version.operation.as_deref().unwrap_or("its record is gone");
        vec![(format!("{:<9}{made:<22}{}", version.version, escape(operation)), Role::Text)]
    }));
    let listed = u64::try_from(operations.len()).unwrap_or(u64::MAX);
    if listed < head.saturating_sub(pin) {
        let missing = head - pin - listed;
        lines.extend(style.text(&format!("{missing} more that are older, or not retained"), Role::Dim));
    }
    lines.push(Vec::new());
    let why = "Somebody wrote to the table and left no sidecar: another program, or one whose sidecar was moved out. Where the \
               operations past the pin change no row, the next write to the table takes them over and records that.";
    lines.extend(style.field("Why", why, Role::Text));
    lines.extend(style.field(
        "Blocks",
        "else writes to this table on this branch: nothing says whose rows they are",
        Role::Error,
    ));
    lines.extend(style.field("Works", "reading: it shows the pinned version; writes to other tables", Role::Good));
    let to_do = "look at what was done past the pin. `stratigraph recovery restore` discards it. Or go on with what is shown: a new \
                 branch starts there and can be written to";
    lines.extend(style.field("To do", to_do, Role::Text));
    lines
}

/// How a kind of writer is stored, or the word that is stored.
pub(super) fn stored_writer(stored: &str) -> String {
    let known = serde_json::from_value::<WriterKind>(stored.into());
    known.map_or_else(|_| stored.to_owned(), |kind| kind.to_string())
}
