//! What people of the sample company do: each topic changes rows of a branch and notes which.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};
use stratigraph_engine::load::LoadMode;

use super::calendar::{day_text, time_text};
use super::company::{Company, Owner};
use super::random::Random;
use super::words::{FIRST, KINDS, LAST, OFFICES, PROJECTS, SKILLS, SUBJECTS, TEAMS, TITLES};

/// Lines besides the first that get rows of it.
pub(super) const SHARING: usize = 7;

/// What a commit is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    /// New people with a team, an office and somebody they report to.
    Hire,
    /// A person gets another title and salary.
    Promote,
    /// A person moves to another team.
    Reassign,
    /// A person reports to somebody else.
    Report,
    /// A project begins.
    Start,
    /// A project gets on.
    Progress,
    /// A project gets another budget.
    Budget,
    /// Teams get other budgets.
    TeamBudget,
    /// People join a project.
    Staff,
    /// New documents.
    Write,
    /// A document changes.
    Revise,
    /// Documents get vectors.
    Embed,
    /// Documents were looked at.
    Views,
}

/// What all branches share, so that no two of them make the same thing.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) random: Random,
    people: usize,
    projects: usize,
    documents: usize,
    edges: usize,
}

impl Shared {
    pub(super) fn new(seed: u64) -> Self {
        Self { random: Random::new(seed), people: 0, projects: 0, documents: 0, edges: 0 }
    }

    fn edge(&mut self, kind: &str) -> String {
        self.edges += 1;
        format!("{kind}-{:04}", self.edges)
    }
}

/// One branch at one moment.
pub(super) struct Desk<'a> {
    pub(super) company: &'a mut Company,
    pub(super) shared: &'a mut Shared,
    pub(super) now_micros: i64,
    /// The line of the story that works here; none if it shares its rows with nobody.
    line: Option<usize>,
    /// Rows that were changed.
    changed: BTreeSet<(&'static str, String)>,
    /// Whether one of them was there before.
    replaces: bool,
}

impl<'a> Desk<'a> {
    pub(super) fn new(company: &'a mut Company, shared: &'a mut Shared, now_micros: i64, line: Option<usize>) -> Self {
        Self { company, shared, now_micros, line, changed: BTreeSet::new(), replaces: false }
    }
}

impl Desk<'_> {
    /// The rows that were changed, as JSON lines.
    pub(super) fn records(&self) -> String {
        let records = self.changed.iter().filter_map(|(table, id)| self.company.record(table, id));
        records.fold(String::new(), |lines, record| lines + &record.to_string() + "\n")
    }

    /// How they have to be loaded.
    pub(super) fn mode(&self) -> LoadMode {
        if self.replaces { LoadMode::Merge } else { LoadMode::Append }
    }

    /// Does what a topic is about. Where there is nothing to change something is written.
    pub(super) fn work_on(&mut self, topic: Topic) {
        match topic {
            Topic::Hire => {
                for _ in 0..self.shared.random.between(1, 3) {
                    self.hire();
                }
            }
            Topic::Promote => self.change("Person", 1, Self::promote),
            Topic::Reassign => self.change("MemberOf", 2, Self::reassign),
            Topic::Report => self.change("ReportsTo", 2, Self::report),
            Topic::Start => self.start(),
            Topic::Progress => self.change("Project", 1, Self::progress),
            Topic::Budget => self.change("Project", 2, Self::budget),
            Topic::TeamBudget => self.change("Team", 2, Self::team_budget),
            Topic::Staff => self.staff(),
            Topic::Write => self.write(),
            Topic::Revise => self.change("Document", 2, Self::revise),
            Topic::Embed => self.change("Document", 5, Self::embed),
            Topic::Views => self.change("Document", 12, Self::view),
        }
        if self.changed.is_empty() {
            self.write();
        }
    }

    /// Changes up to so many rows that this line may change.
    fn change(&mut self, table: &'static str, most: usize, with: fn(&mut Self, &str)) {
        let mut ids = self.company.owned_ids(table, self.line);
        for _ in 0..most.min(ids.len()) {
            let id = ids.swap_remove(self.shared.random.below(ids.len()));
            with(self, &id);
            self.note_change(table, &id);
        }
    }

    fn note_change(&mut self, table: &'static str, id: &str) {
        self.replaces |= self.changed.insert((table, id.to_owned()));
    }

    /// A node that only the script may change.
    pub(super) fn script_node(&mut self, table: &'static str, id: &str, data: Json) {
        self.company.put_node(table, id, Owner::Script, data);
        self.changed.insert((table, id.to_owned()));
    }

    pub(super) fn node(&mut self, table: &'static str, id: &str, number: usize, data: Json) {
        self.company.put_node(table, id, owner_of(self.line, number), data);
        self.changed.insert((table, id.to_owned()));
    }

    pub(super) fn edge(&mut self, table: &'static str, id: &str, ends: (&str, &str), data: Json) {
        self.company.put_edge(table, id, owner_of(self.line, self.shared.edges), ends, data);
        self.changed.insert((table, id.to_owned()));
    }

    /// Changes a property of a row that is there.
    pub(super) fn set(&mut self, table: &'static str, id: &str, property: &str, value: Json) {
        self.company.edit(table, id, |data| drop(data.insert(property.to_owned(), value)));
        self.note_change(table, id);
    }

    fn any(&mut self, table: &'static str) -> Option<String> {
        let ids = self.company.ids(table);
        (!ids.is_empty()).then(|| self.shared.random.pick(&ids).clone())
    }

    /// A new person; whom to report to is chosen among those who are there.
    pub(super) fn hire(&mut self) {
        let number = self.shared.people;
        self.shared.people += 1;
        let first = FIRST[number % FIRST.len()];
        let last = LAST[(number * 7 + number / FIRST.len()) % LAST.len()];
        let slug = format!("{first}-{last}").to_lowercase();
        let manager = self.any("Person");
        let random = &mut self.shared.random;
        let title = TITLES[random.below(8)];
        let skills: BTreeSet<&str> = (0..random.between(1, 4)).map(|_| *random.pick(&SKILLS)).collect();
        let salary = (!random.one_in(9)).then(|| 30_000.0 + 500.0 * random.below(90) as f64);
        let (team, office) = (random.pick(&TEAMS).0, random.pick(&OFFICES).0);
        let joined = self.now_micros - 86_400_000_000 * random.span(0, 1500);
        let data = json!({
            "slug": slug, "name": format!("{first} {last}"), "title": title, "email": format!("{slug}@tidal.example"),
            "joined": day_text(joined), "salary": salary, "skills": skills, "active": true,
        });
        self.node("Person", &slug, number, data);
        let member = json!({"since": day_text(joined), "role": "member"});
        self.edge("MemberOf", &format!("member-{slug}"), (&slug, team), member);
        self.edge("BasedIn", &format!("based-{slug}"), (&slug, office), json!({}));
        if let Some(manager) = manager {
            self.edge("ReportsTo", &format!("reports-{slug}"), (&slug, &manager), json!({}));
        }
    }

    fn promote(&mut self, id: &str) {
        let title = TITLES[self.shared.random.between(4, TITLES.len())];
        let salary = 45_000.0 + 500.0 * self.shared.random.below(160) as f64;
        self.set("Person", id, "title", json!(title));
        self.set("Person", id, "salary", json!(salary));
    }

    fn reassign(&mut self, id: &str) {
        let team = self.shared.random.pick(&TEAMS).0;
        let role = if self.shared.random.one_in(4) { "lead" } else { "member" };
        self.company.redirect("MemberOf", id, team);
        self.set("MemberOf", id, "since", json!(day_text(self.now_micros)));
        self.set("MemberOf", id, "role", json!(role));
    }

    fn report(&mut self, id: &str) {
        if let Some(manager) = self.any("Person") {
            self.company.redirect("ReportsTo", id, &manager);
        }
    }

    /// The next project; the last of them gets phases.
    pub(super) fn start(&mut self) {
        let number = self.shared.projects;
        self.shared.projects += 1;
        let (slug, title) = PROJECTS[number % PROJECTS.len()];
        let (slug, title) = match number / PROJECTS.len() {
            0 => (slug.to_owned(), title.to_owned()),
            phase => (format!("{slug}-phase-{}", phase + 1), format!("{title}, phase {}", phase + 1)),
        };
        let random = &mut self.shared.random;
        let status = *random.pick(&["proposed", "active", "active", "active"]);
        let due = self.now_micros + 86_400_000_000 * random.span(60, 700);
        let data = json!({
            "slug": slug, "title": title, "status": status, "budget": 20_000.0 + 2_500.0 * random.below(200) as f64,
            "progress": random.below(4) as f64 / 8.0, "due": day_text(due),
        });
        let team = random.pick(&TEAMS).0;
        self.node("Project", &slug, number, data);
        let id = self.shared.edge("owns");
        self.edge("Owns", &id, (team, &slug), json!({}));
    }

    fn progress(&mut self, id: &str) {
        let eighths = self.shared.random.between(2, 9);
        self.set("Project", id, "progress", json!(eighths as f64 / 8.0));
        let status = if eighths == 8 { "done" } else { *self.shared.random.pick(&["active", "active", "paused"]) };
        self.set("Project", id, "status", json!(status));
    }

    fn budget(&mut self, id: &str) {
        let budget = 20_000.0 + 2_500.0 * self.shared.random.below(240) as f64;
        self.set("Project", id, "budget", json!(budget));
    }

    fn team_budget(&mut self, id: &str) {
        let budget = 200_000.0 + 10_000.0 * self.shared.random.below(160) as f64;
        self.set("Team", id, "budget", json!(budget));
    }

    /// People who join a project.
    pub(super) fn staff(&mut self) {
        let Some(project) = self.any("Project") else { return };
        for _ in 0..self.shared.random.between(1, 4) {
            let Some(person) = self.any("Person") else { return };
            let share = self.shared.random.between(1, 5) as f64 / 4.0;
            let id = self.shared.edge("works");
            let data = json!({"share": share, "since": day_text(self.now_micros)});
            self.edge("WorksOn", &id, (&person, &project), data);
        }
    }

    /// A new document with its author and what it is about.
    pub(super) fn write(&mut self) {
        let number = self.shared.documents;
        self.shared.documents += 1;
        let subject = SUBJECTS[number % SUBJECTS.len()];
        let (kind, word) = KINDS[(number / SUBJECTS.len() + number) % KINDS.len()];
        let title = match number / (SUBJECTS.len() * KINDS.len()) {
            0 => format!("{subject} {word}"),
            edition => format!("{subject} {word}, part {}", edition + 1),
        };
        let slug = title.to_lowercase().replace(", ", "-").replace(' ', "-");
        let scan = (number % 17 == 3).then(|| scan_of(&title));
        let data = json!({
            "slug": slug, "title": title, "kind": kind, "words": self.shared.random.between(200, 9000), "views": 0,
            "updated_at": time_text(self.now_micros), "scan": scan,
        });
        self.node("Document", &slug, number, data);
        if let Some(author) = self.any("Person") {
            let id = self.shared.edge("wrote");
            self.edge("Wrote", &id, (&author, &slug), json!({"at": time_text(self.now_micros)}));
        }
        if !number.is_multiple_of(3)
            && let Some(project) = self.any("Project")
        {
            let id = self.shared.edge("about");
            self.edge("About", &id, (&slug, &project), json!({}));
        }
    }

    fn revise(&mut self, id: &str) {
        let words = self.shared.random.between(200, 9000);
        self.set("Document", id, "words", json!(words));
        self.set("Document", id, "updated_at", json!(time_text(self.now_micros)));
    }

    fn embed(&mut self, id: &str) {
        let random = &mut self.shared.random;
        let vector: Vec<f64> = (0..4).map(|_| random.between(1, 129) as f64 / 128.0).collect();
        self.set("Document", id, "embedding", json!(vector));
    }

    fn view(&mut self, id: &str) {
        let seen = self.company.record("Document", id).and_then(|record| record["data"]["views"].as_u64());
        let views = seen.unwrap_or(0) + self.shared.random.between(1, 40) as u64;
        self.set("Document", id, "views", json!(views));
    }
}

/// Who may change the n-th thing that a line makes. What main makes is dealt out: half of it stays main's, the other half
/// goes to the lines after it, so that lines meet in the rows that the script says and in no others.
fn owner_of(line: Option<usize>, number: usize) -> Owner {
    match line {
        Some(0) if number.is_multiple_of(2) => Owner::Line(0),
        Some(0) => Owner::Line(1 + number / 2 % SHARING),
        Some(line) => Owner::Line(line),
        None => Owner::Line(usize::MAX),
    }
}

/// A picture of a title page, as bytes of a blob.
fn scan_of(title: &str) -> String {
    use base64::Engine;
    let picture = format!("<svg xmlns='http://www.w3.org/2000/svg'><text y='20'>{title}</text></svg>");
    format!("base64:{}", base64::engine::general_purpose::STANDARD.encode(picture))
}
