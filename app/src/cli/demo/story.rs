//! The story of the sample graph: what happens when, as data. Pure, and the same in every run.
//!
//! | part | what |
//! |---|---|
//! | [`LINES`] | who works on which branch, when and on what |
//! | [`founding`] | the first day, from an empty graph to a company |
//! | [`script`] | what is there to be looked at: conflicts, interrupted writes, deleted branches |

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::json;
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::write::StopAt;

use super::calendar::{DAYS, moment, office_hours, time_text};
use super::company::{Company, Owner};
use super::desk::{Desk, SHARING, Shared, Topic};
use super::words::{OFFICES, TEAMS};

/// Where the sequence of random numbers begins.
pub(super) const SEED: u64 = 0x7469_6465;

/// One thing that happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) at_micros: i64,
    pub(super) what: What,
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// A branch begins.
    Fork { branch: &'static str, from: &'static str },
    /// A branch is deleted.
    Delete { branch: &'static str },
    /// Rows are written.
    Commit(Write),
    /// As a commit, but the program dies on the way.
    Interrupt(Write, StopAt),
    /// The graph is opened again, which recovers it.
    Reopen,
}

/// Rows for a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Write {
    pub(super) branch: &'static str,
    pub(super) actor: &'static str,
    pub(super) change: Change,
}

/// How rows change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// Records are loaded.
    Load(LoadMode, String),
    /// A query is carried out.
    Query(&'static str),
}

/// Work on one branch.
struct Line {
    branch: &'static str,
    from: &'static str,
    days: Range<i64>,
    commits: usize,
    actors: &'static [&'static str],
    topics: &'static [Topic],
}

use Topic::{
    Budget, Embed, Hire, Progress, Promote, Reassign, Report, Revise, Staff, Start, TeamBudget, Views,
    Write as Document,
};

/// The first is main; the next [`SHARING`] stay, and share rows with it; the others are deleted in the end.
const LINES: [Line; 11] = [
    Line {
        branch: "main",
        from: "",
        days: 1..DAYS,
        commits: 146,
        actors: &["mara", "jonas", "priya", "tomas", "leila", "oskar", "noor", "ines", "felix", "hr-sync", "indexer"],
        topics: &[
            Hire, Promote, Promote, Promote, Reassign, Report, Start, Progress, Progress, Progress, Progress, Budget,
            Staff, Staff, Document, Document, Revise, Revise, Revise, Views, Views, TeamBudget,
        ],
    },
    Line {
        branch: "hiring/q4",
        from: "main",
        days: 4..29,
        commits: 24,
        actors: &["leila", "leila", "noor", "hr-sync"],
        topics: &[Hire, Hire, Hire, Promote, Report, Staff],
    },
    Line {
        branch: "budget/2027",
        from: "main",
        days: 8..28,
        commits: 20,
        actors: &["oskar", "noor", "mara"],
        topics: &[Budget, Budget, TeamBudget, Document],
    },
    Line {
        branch: "reorg/platform",
        from: "main",
        days: 10..28,
        commits: 18,
        actors: &["mara", "jonas"],
        topics: &[Reassign, Reassign, Report, Promote],
    },
    Line {
        branch: "reorg/platform-trial",
        from: "reorg/platform",
        days: 16..23,
        commits: 10,
        actors: &["jonas", "yuki"],
        topics: &[Reassign, Report, Document],
    },
    Line {
        branch: "docs/style-guide",
        from: "main",
        days: 6..29,
        commits: 22,
        actors: &["ines", "felix", "felix"],
        topics: &[Revise, Revise, Revise, Document],
    },
    Line {
        branch: "project/tidewater",
        from: "main",
        days: 3..29,
        commits: 30,
        actors: &["priya", "tomas", "yuki"],
        topics: &[Start, Progress, Progress, Staff, Staff, Document, Budget],
    },
    Line {
        branch: "experiment/embeddings",
        from: "main",
        days: 18..27,
        commits: 14,
        actors: &["yuki"],
        topics: &[Embed],
    },
    Line { branch: "fix/typos", from: "main", days: 5..7, commits: 3, actors: &["felix"], topics: &[Revise] },
    Line {
        branch: "spike/graph-views",
        from: "main",
        days: 12..14,
        commits: 3,
        actors: &["yuki"],
        topics: &[Document],
    },
    Line { branch: "trial/badges", from: "main", days: 27..29, commits: 3, actors: &["tomas"], topics: &[Hire] },
];

/// Something with its time.
enum Slot {
    Fork(usize),
    Ordinary(usize),
    Scripted(Scripted),
}

/// What the script says.
#[derive(Debug, Clone, Copy)]
enum Scripted {
    /// A write on a line about a topic that is interrupted.
    Interrupt(usize, &'static str, Topic, StopAt),
    Reopen,
    /// The branch of a line is deleted.
    Drop(usize),
    /// The budget of the conflict, on a line.
    Tidewater(usize, &'static str, u32),
    /// The document of the conflict changes, on a line.
    ReviseTravel(usize, &'static str),
    /// The document of the conflict is deleted, on a line.
    DropTravel(usize, &'static str),
}

const MAIN: usize = 0;
const HIRING: usize = 1;
const BUDGET: usize = 2;
const STYLE_GUIDE: usize = 5;
const TIDEWATER: usize = 6;
const TYPOS: usize = 8;
const SPIKE: usize = 9;
const BADGES: usize = 10;

/// What there is to be looked at, with day, hour and minute. Writes that are interrupted last stay so.
fn script() -> Vec<((i64, i64, i64), Scripted)> {
    use Scripted::{Drop, DropTravel, Interrupt, Reopen, ReviseTravel, Tidewater};
    vec![
        // Settled since, each in another way.
        ((6, 19, 10), Interrupt(MAIN, "ines", Document, StopAt::Applied)),
        ((7, 18, 20), Drop(TYPOS)),
        ((13, 19, 5), Interrupt(TIDEWATER, "tomas", Start, StopAt::FirstTable)),
        ((13, 19, 25), Reopen),
        ((14, 18, 40), Interrupt(SPIKE, "yuki", Document, StopAt::Applied)),
        ((14, 18, 50), Drop(SPIKE)),
        // The same row on both sides, and a row that one side deletes.
        ((17, 11, 30), Tidewater(BUDGET, "oskar", 395_000)),
        ((20, 10, 15), Tidewater(MAIN, "priya", 480_000)),
        ((22, 15, 40), DropTravel(STYLE_GUIDE, "felix")),
        ((24, 9, 20), ReviseTravel(MAIN, "ines")),
        ((29, 16, 40), Drop(BADGES)),
        // Pending.
        ((29, 16, 42), Interrupt(TIDEWATER, "tomas", Start, StopAt::Armed)),
        ((29, 17, 5), Interrupt(MAIN, "priya", Document, StopAt::Applied)),
        ((29, 17, 21), Interrupt(HIRING, "hr-sync", Hire, StopAt::FirstTable)),
    ]
}

/// The whole story, in order.
pub(super) fn story() -> Vec<Step> {
    let mut teller = Teller { shared: Shared::new(SEED), companies: BTreeMap::new(), steps: Vec::new() };
    teller.founding();
    for (at_micros, slot) in slots(&mut teller.shared) {
        match slot {
            Slot::Fork(line) => teller.fork(line, at_micros),
            Slot::Ordinary(line) => teller.ordinary(line, at_micros),
            Slot::Scripted(scripted) => teller.scripted(scripted, at_micros),
        }
    }
    teller.steps
}

/// When the graph is made.
pub(super) fn beginning_micros() -> i64 {
    moment(0, 8 * 3600)
}

/// Everything after the first day by its time.
fn slots(shared: &mut Shared) -> Vec<(i64, Slot)> {
    let mut slots = Vec::new();
    for (number, line) in LINES.iter().enumerate() {
        if number != MAIN {
            slots.push((moment(line.days.start, 7 * 3600), Slot::Fork(number)));
        }
        for _ in 0..line.commits {
            let day = shared.random.span(line.days.start, line.days.end);
            let second = office_hours(&mut shared.random);
            // The last day is over before the script's last lines.
            let second = if day == DAYS - 1 { second - 2 * 3600 } else { second };
            slots.push((moment(day, second), Slot::Ordinary(number)));
        }
    }
    for ((day, hour, minute), scripted) in script() {
        slots.push((moment(day, 3600 * hour + 60 * minute), Slot::Scripted(scripted)));
    }
    slots.sort_by_key(|(at_micros, _)| *at_micros);
    slots
}

struct Teller {
    shared: Shared,
    companies: BTreeMap<&'static str, Company>,
    steps: Vec<Step>,
}

impl Teller {
    /// The first day.
    fn founding(&mut self) {
        self.companies.insert("main", Company::default());
        let minute = |minute: i64| moment(0, 8 * 3600 + 60 * minute);
        self.commit(MAIN, "mara", minute(12), |desk| {
            for (slug, city, country, seats) in OFFICES {
                desk.script_node(
                    "Office",
                    slug,
                    json!({"slug": slug, "city": city, "country": country, "seats": seats}),
                );
            }
            for (number, (slug, name, mission)) in TEAMS.into_iter().enumerate() {
                let budget = 300_000.0 + 50_000.0 * desk.shared.random.below(20) as f64;
                let data = json!({"slug": slug, "name": name, "mission": mission, "budget": budget});
                desk.node("Team", slug, number, data);
            }
        });
        for batch in 0..4 {
            self.commit(MAIN, "hr-sync", minute(40 + 9 * batch), |desk| (0..18).for_each(|_| desk.hire()));
        }
        self.commit(MAIN, "jonas", minute(95), |desk| {
            (0..14).for_each(|_| desk.start());
            desk.company.own("Project", "tidewater", Owner::Script);
        });
        self.commit(MAIN, "jonas", minute(130), |desk| (0..24).for_each(|_| desk.staff()));
        for (batch, actor) in (0..).zip(["ines", "felix", "ines"]) {
            self.commit(MAIN, actor, minute(180 + 45 * batch), |desk| (0..20).for_each(|_| desk.write()));
        }
        self.commit(MAIN, "leila", minute(400), |desk| {
            let data = json!({
                "slug": "travel-guide", "title": "Travel guide", "kind": "guide", "words": 2400, "views": 210,
                "updated_at": time_text(desk.now_micros),
            });
            desk.script_node("Document", "travel-guide", data);
            desk.edge(
                "Wrote",
                "wrote-travel",
                ("leila-larsen", "travel-guide"),
                json!({"at": time_text(desk.now_micros)}),
            );
        });
    }

    fn fork(&mut self, line: usize, at_micros: i64) {
        let Line { branch, from, .. } = LINES[line];
        let company = self.companies.get(from).cloned().unwrap_or_default();
        self.companies.insert(branch, company);
        self.steps.push(Step { at_micros, what: What::Fork { branch, from } });
    }

    fn ordinary(&mut self, line: usize, at_micros: i64) {
        let topic = *self.shared.random.pick(LINES[line].topics);
        let actor = actor(&mut self.shared, line, topic);
        self.commit(line, actor, at_micros, |desk| desk.work_on(topic));
    }

    fn scripted(&mut self, scripted: Scripted, at_micros: i64) {
        match scripted {
            Scripted::Interrupt(line, actor, topic, stop_at) => {
                let before = self.companies.get(LINES[line].branch).cloned().unwrap_or_default();
                let write = self.write(line, actor, at_micros, |desk| desk.work_on(topic));
                if stop_at == StopAt::FirstTable {
                    self.companies.insert(LINES[line].branch, before);
                }
                self.steps.push(Step { at_micros, what: What::Interrupt(write, stop_at) });
            }
            Scripted::Reopen => self.steps.push(Step { at_micros, what: What::Reopen }),
            Scripted::Drop(line) => {
                self.companies.remove(LINES[line].branch);
                self.steps.push(Step { at_micros, what: What::Delete { branch: LINES[line].branch } });
            }
            Scripted::Tidewater(line, actor, budget) => self.commit(line, actor, at_micros, |desk| {
                desk.set("Project", "tidewater", "budget", json!(f64::from(budget)));
            }),
            Scripted::ReviseTravel(line, actor) => self.commit(line, actor, at_micros, |desk| {
                desk.set("Document", "travel-guide", "words", json!(2650));
                desk.set("Document", "travel-guide", "updated_at", json!(time_text(desk.now_micros)));
            }),
            Scripted::DropTravel(line, actor) => self.drop_travel(line, actor, at_micros),
        }
    }

    fn drop_travel(&mut self, line: usize, actor: &'static str, at_micros: i64) {
        const QUERY: &str = "query drop_guide() { delete Document where slug = \"travel-guide\" }";
        let branch = LINES[line].branch;
        self.companies.entry(branch).or_default().remove_node("Document", "travel-guide", &["About", "Wrote"]);
        let write = Write { branch, actor, change: Change::Query(QUERY) };
        self.steps.push(Step { at_micros, what: What::Commit(write) });
    }

    fn commit(&mut self, line: usize, actor: &'static str, at_micros: i64, work: impl FnOnce(&mut Desk<'_>)) {
        let write = self.write(line, actor, at_micros, work);
        self.steps.push(Step { at_micros, what: What::Commit(write) });
    }

    fn write(&mut self, line: usize, actor: &'static str, now_micros: i64, work: impl FnOnce(&mut Desk<'_>)) -> Write {
        let branch = LINES[line].branch;
        let company = self.companies.entry(branch).or_default();
        let sharing = (line <= SHARING).then_some(line);
        let mut desk = Desk::new(company, &mut self.shared, now_micros, sharing);
        work(&mut desk);
        Write { branch, actor, change: Change::Load(desk.mode(), desk.records()) }
    }
}

/// Programs do what programs do.
fn actor(shared: &mut Shared, line: usize, topic: Topic) -> &'static str {
    let actors = LINES[line].actors;
    let program = match topic {
        Hire if actors.contains(&"hr-sync") && shared.random.one_in(2) => Some("hr-sync"),
        Views if actors.contains(&"indexer") => Some("indexer"),
        _ => None,
    };
    let people: Vec<&'static str> =
        actors.iter().copied().filter(|actor| !["hr-sync", "indexer"].contains(actor)).collect();
    program.unwrap_or_else(|| *shared.random.pick(&people))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_story_is_the_same_every_time_and_as_long_as_promised() {
        let steps = story();
        assert!(steps == story());
        assert!(steps.windows(2).all(|pair| pair[0].at_micros <= pair[1].at_micros), "it is told in order");
        let writes = steps.iter().filter_map(|step| match &step.what {
            What::Commit(write) => Some(write),
            What::Fork { .. } | What::Delete { .. } | What::Interrupt(..) | What::Reopen => None,
        });
        let lost = ["fix/typos", "spike/graph-views", "trial/badges"];
        let kept: Vec<&Write> = writes.filter(|write| !lost.contains(&write.branch)).collect();
        assert!((290..310).contains(&kept.len()), "{} commits", kept.len());
        assert!(kept.iter().all(|write| !matches!(&write.change, Change::Load(_, records) if records.is_empty())));
        let actors: BTreeSet<&str> = kept.iter().map(|write| write.actor).collect();
        assert_eq!(actors.len(), 12, "{actors:?}");
    }

    #[test]
    fn nothing_is_written_after_the_writes_that_stay_interrupted() {
        let steps = story();
        let stays = |step: &Step| !matches!(step.what, What::Interrupt(..));
        let last = steps.iter().rposition(stays).expect("there are commits");
        let after: Vec<&What> = steps[last + 1..].iter().map(|step| &step.what).collect();
        let stopped = |what: &&What| match what {
            What::Interrupt(write, stop_at) => Some((write.branch, *stop_at)),
            What::Fork { .. } | What::Delete { .. } | What::Commit(_) | What::Reopen => None,
        };
        let stopped: Vec<_> = after.iter().filter_map(stopped).collect();
        // What recovery discards, rolls forward and rolls back.
        let (armed, applied) = (("project/tidewater", StopAt::Armed), ("main", StopAt::Applied));
        assert_eq!(stopped, [armed, applied, ("hiring/q4", StopAt::FirstTable)]);
    }
}
