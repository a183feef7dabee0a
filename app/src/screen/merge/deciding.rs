//! What was decided so far: by hand and by rules, with undo, and what the engine made of it. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use stratigraph_engine::TableKey;
use stratigraph_engine::merge::{
    CellChoice, Choice, ChosenRow, Conflict, ConflictDetail, ConflictKey, Decision, MergeCheck, MergeDecisions, Scope,
    chosen_row,
};

use super::request::Preview;

/// States kept for undo.
const KEPT: usize = 200;

/// Cells chosen so far of rows whose other cells are not chosen yet.
pub(super) type Partial = BTreeMap<ConflictKey, BTreeMap<String, CellChoice>>;

/// Everything that was chosen at one moment.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Choices {
    /// Complete decisions, as the engine gets them.
    pub(super) decisions: Arc<MergeDecisions>,
    /// Incomplete ones.
    pub(super) partial: Arc<Partial>,
}

/// Why a value was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    /// Index of the decision.
    pub(super) decision: usize,
    /// The column.
    pub(super) column: String,
    /// What is wrong.
    pub(super) reason: String,
}

/// Decisions about a preview.
#[derive(Debug)]
pub(super) struct Deciding {
    now: Choices,
    /// Former states, oldest first, with what was done to them.
    former: Vec<(Choices, String)>,
    /// What the engine said last, and of which decisions.
    of: Arc<MergeDecisions>,
    check: MergeCheck,
    /// What is decided, with the index of the decision. Conflicts of one key differ in their details.
    decided: HashMap<ConflictKey, Vec<(ConflictDetail, usize)>>,
    /// Which conflicts of the check are about which rows.
    about: About,
    /// Places of the present decisions made by hand.
    hands: HashMap<ConflictKey, Vec<usize>>,
    /// The nodes about whose edges a decision names an edge, by the edge.
    named: HashMap<(TableKey, String), Vec<String>>,
    /// Whether there are several last common commits.
    is_crosswise: bool,
    /// Why the present decisions cannot be used.
    pub(super) problem: Option<Problem>,
}

/// Places of conflicts in a check, the open ones first, by the rows that a decision about them can speak of; one about the edges of a
/// node by the node.
type About = HashMap<(TableKey, String), Vec<usize>>;

fn about(check: &MergeCheck) -> About {
    let mut about = About::new();
    for (place, Conflict { key, detail, .. }) in all(check).enumerate() {
        let mut row = |table: &TableKey, id: &str| about.entry((table.clone(), id.to_owned())).or_default().push(place);
        row(&key.table, &key.id);
        match detail {
            ConflictDetail::Row { .. } | ConflictDetail::Value { .. } | ConflictDetail::Cardinality { .. } => {}
            ConflictDetail::Orphan { node, end, .. } => row(node, end),
            ConflictDetail::Unique { other, .. } => row(&key.table, other),
        }
    }
    about
}

/// The conflicts of a check, the open ones first.
fn all(check: &MergeCheck) -> impl Iterator<Item = &Conflict> {
    check.open.iter().chain(check.decided.iter().map(|(conflict, _)| conflict))
}

/// How a conflict stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// To be decided.
    Open,
    /// Chosen, and the engine has not looked at it yet.
    Chosen,
    /// Some of its cells are chosen.
    Partly,
    /// Decided.
    Decided,
}

impl Deciding {
    /// Begins with decisions made before, for this plan or another one of the same branches.
    pub(super) fn new(preview: &Preview, kept: Option<&MergeDecisions>) -> Self {
        let none = MergeDecisions::none(&preview.pair.source, &preview.pair.target, preview.heads);
        let decisions = kept.map(|kept| kept.decisions.clone()).unwrap_or_default();
        let now = Arc::new(MergeDecisions { decisions, ..none.clone() });
        let check = MergeCheck {
            open: preview.conflicts.clone(),
            decided: Vec::new(),
            stale: Vec::new(),
            idle: Vec::new(),
            tables: preview.tables.clone(),
        };
        let now = Choices { decisions: now, partial: Arc::default() };
        let (decided, hands, named) = (HashMap::new(), hands(&now.decisions), named(&now.decisions));
        let (about, is_crosswise) = (about(&check), !preview.other_bases.is_empty());
        let (of, former, problem) = (Arc::new(none), Vec::new(), None);
        Self { now, former, of, check, decided, about, hands, named, is_crosswise, problem }
    }

    /// What is to be checked and carried out.
    pub(super) fn decisions(&self) -> &Arc<MergeDecisions> {
        &self.now.decisions
    }

    /// The list of decisions.
    pub(super) fn list(&self) -> &[Decision] {
        &self.now.decisions.decisions
    }

    /// What the engine said last.
    pub(super) fn check(&self) -> &MergeCheck {
        &self.check
    }

    /// The decisions that the last check was about; its indices point into them.
    pub(super) fn checked(&self) -> &[Decision] {
        &self.of.decisions
    }

    /// Whether the engine's last word is about the present decisions.
    pub(super) fn is_current(&self) -> bool {
        self.of == self.now.decisions
    }

    /// Whether all is decided, and the engine says so. A row of which only some cells are chosen is not, whatever a rule says of it.
    pub(super) fn is_settled(&self) -> bool {
        let is_there =
            |key: &ConflictKey| self.conflicts_about(&key.table, &key.id).any(|conflict| conflict.key == *key);
        let is_whole = !self.now.partial.keys().any(is_there);
        self.is_current() && self.problem.is_none() && self.check.open.is_empty() && is_whole
    }

    /// Takes the engine's word; one about other decisions than the present ones is none.
    pub(super) fn take(&mut self, of: &Arc<MergeDecisions>, check: MergeCheck) -> bool {
        if *of != self.now.decisions {
            return false;
        }
        self.of = Arc::clone(of);
        self.decided.clear();
        for (conflict, decision) in &check.decided {
            self.decided.entry(conflict.key.clone()).or_default().push((conflict.detail.clone(), *decision));
        }
        self.about = about(&check);
        self.check = check;
        self.problem = None;
        true
    }

    /// All conflicts, decided ones too, in order of table, kind and id.
    pub(super) fn conflicts(&self) -> Vec<Conflict> {
        let mut sorted: Vec<Conflict> = all(&self.check).cloned().collect();
        sorted.sort_by(|a, b| a.key.cmp(&b.key));
        sorted
    }

    /// How a conflict stands.
    pub(super) fn standing(&self, conflict: &Conflict) -> Standing {
        if self.is_current() {
            if self.now.partial.contains_key(&conflict.key) {
                return Standing::Partly;
            }
            return if self.decided(conflict).is_some() { Standing::Decided } else { Standing::Open };
        }
        match self.decision(conflict) {
            Some(_) => Standing::Chosen,
            None if self.now.partial.contains_key(&conflict.key) => Standing::Partly,
            None => Standing::Open,
        }
    }

    /// Index of the decision that holds for a conflict, by the last check.
    fn decided(&self, conflict: &Conflict) -> Option<usize> {
        let same_key = self.decided.get(&conflict.key)?;
        same_key.iter().find(|(detail, _)| *detail == conflict.detail).map(|(_, index)| *index)
    }

    /// The decision that holds for a conflict. One by hand beats every rule; of several the last one holds.
    pub(super) fn decision(&self, conflict: &Conflict) -> Option<&Decision> {
        self.list().get(self.place(conflict)?)
    }

    /// Where in the list the decision is that holds for a conflict.
    fn place(&self, conflict: &Conflict) -> Option<usize> {
        if let Some(place) = self.place_by_hand(conflict) {
            return Some(place);
        }
        if self.is_current() {
            return self.decided(conflict);
        }
        self.list().iter().rposition(|decision| match (&decision.on, &decision.choice) {
            // What the condition of a rule selects is known to the engine alone.
            (Scope::Rule(rule), Some(choice)) => {
                rule.filter.is_none() && rule.names(&conflict.key) && choice.fits(conflict).is_ok()
            }
            (Scope::Rule(_), None) | (Scope::Conflict(_), _) => false,
        })
    }

    /// The decision made by hand for the rows of a conflict.
    pub(super) fn by_hand(&self, conflict: &Conflict) -> Option<&Decision> {
        self.list().get(self.place_by_hand(conflict)?)
    }

    fn place_by_hand(&self, conflict: &Conflict) -> Option<usize> {
        let is_of = |place: &&usize| {
            let rows = self.list().get(**place).map(|decision| decision.rows.as_ref());
            rows.is_some_and(|rows| rows.is_none_or(|rows| *rows == conflict.rows))
        };
        self.hands.get(&conflict.key)?.iter().rev().find(is_of).copied()
    }

    /// The choice that holds for a conflict.
    pub(super) fn choice(&self, conflict: &Conflict) -> Option<&Choice> {
        self.decision(conflict)?.choice.as_ref()
    }

    /// What all choices together make of a row, also those of cells of which others are still to be chosen. None if nothing is
    /// chosen for it.
    pub(super) fn row(&self, table: &TableKey, id: &str) -> Option<ChosenRow> {
        let conflicts: Vec<&Conflict> = self.conflicts_about(table, id).collect();
        let begun = |conflict: &&Conflict| {
            let cells = self.partial(&conflict.key)?;
            Some(Decision::by_hand(conflict, Some(Choice::Cells(cells.clone()))))
        };
        let begun: Vec<Option<Decision>> = conflicts.iter().map(begun).collect();
        let chosen = conflicts.iter().zip(&begun).filter_map(|(conflict, begun)| match begun {
            Some(cells) => Some((*conflict, usize::MAX, cells)),
            None => self.place(conflict).and_then(|at| Some((*conflict, at, self.list().get(at)?))),
        });
        chosen_row(chosen.collect(), table, id)
    }

    /// The conflicts of which a decision can speak of a row.
    fn conflicts_about(&self, table: &TableKey, id: &str) -> impl Iterator<Item = &Conflict> {
        let MergeCheck { open, decided, .. } = &self.check;
        let conflict = |place: &usize| open.get(*place).unwrap_or_else(|| &decided[place - open.len()].0);
        let key = (table.clone(), id.to_owned());
        let nodes = self.named.get(&key).into_iter().flatten().map(|node| (table.clone(), node.clone()));
        let keys: Vec<(TableKey, String)> = nodes.chain([key]).collect();
        keys.into_iter().filter_map(|key| self.about.get(&key)).flatten().map(conflict)
    }

    /// The cells chosen of a row that is not decided yet.
    pub(super) fn partial(&self, key: &ConflictKey) -> Option<&BTreeMap<String, CellChoice>> {
        self.now.partial.get(key)
    }

    /// Decides a conflict by hand, in place of what was decided for it by hand before.
    pub(super) fn decide(&mut self, conflict: &Conflict, choice: &Choice, by: Option<&str>, what: String) {
        self.decide_each(&[conflict], choice, by, what);
    }

    /// Chooses cells of a conflict, of which others are still to be chosen.
    pub(super) fn begin(&mut self, conflict: &Conflict, cells: BTreeMap<String, CellChoice>, what: String) {
        let replaced = self.replaced(&[conflict]);
        self.change(what, &replaced, |_, partial| drop(partial.insert(conflict.key.clone(), cells)));
    }

    /// Takes back what was decided by hand for a conflict. False if nothing was.
    pub(super) fn clear(&mut self, conflict: &Conflict) -> bool {
        let replaced = self.replaced(&[conflict]);
        let some = !replaced.is_empty() || self.now.partial.contains_key(&conflict.key);
        if some {
            let what = format!("{} is open again", conflict.key.id);
            self.change(what, &replaced, |_, partial| drop(partial.remove(&conflict.key)));
        }
        some
    }

    /// Decides several conflicts one by one.
    pub(super) fn decide_each(&mut self, conflicts: &[&Conflict], choice: &Choice, by: Option<&str>, what: String) {
        let replaced = self.replaced(conflicts);
        self.change(what, &replaced, |decisions, partial| {
            // Conflicts of one key and the same rows share a decision.
            let mut seen = HashSet::new();
            for conflict in conflicts.iter().filter(|conflict| seen.insert((&conflict.key, &conflict.rows))) {
                partial.remove(&conflict.key);
                let decision = Decision::by_hand(conflict, Some(choice.clone()));
                decisions.push(Decision { by: by.map(str::to_owned), ..decision });
            }
        });
    }

    /// Adds a rule; `over` are conflicts whose decisions by hand give way to it.
    pub(super) fn add_rule(&mut self, rule: Decision, over: &[&Conflict], what: String) {
        let replaced = self.replaced(over);
        self.change(what, &replaced, |decisions, partial| {
            partial.retain(|key, _| !over.iter().any(|conflict| conflict.key == *key));
            decisions.push(rule);
        });
    }

    /// Places of the decisions made by hand that a new one about these conflicts takes the place of: those for their rows, and those
    /// for rows of the same key that the engine found in no conflict any more.
    fn replaced(&self, about: &[&Conflict]) -> HashSet<usize> {
        let about: HashMap<&ConflictKey, Vec<&str>> = about.iter().fold(HashMap::new(), |mut rows, it| {
            rows.entry(&it.key).or_default().push(&it.rows);
            rows
        });
        let is_stale = |place: usize| self.is_current() && self.check.stale.iter().any(|stale| stale.decision == place);
        let is_replaced = |(place, decision): &(usize, &Decision)| match &decision.on {
            Scope::Conflict(key) => about.get(key).is_some_and(|rows| match decision.rows.as_deref() {
                Some(of) => rows.contains(&of) || is_stale(*place),
                // It is for all conflicts of the key.
                None => self.conflicts_of(key).all(|conflict| rows.contains(&conflict.rows.as_str())),
            }),
            Scope::Rule(_) => false,
        };
        self.list().iter().enumerate().filter(is_replaced).map(|(place, _)| place).collect()
    }

    fn conflicts_of(&self, key: &ConflictKey) -> impl Iterator<Item = &Conflict> {
        all(&self.check).filter(move |conflict| conflict.key == *key)
    }

    /// Whether the cells of a row that nobody names come from the side that changed them. Where the histories were merged crosswise
    /// only the engine knows whether all last common commits tell the same of that.
    pub(super) fn knows_changers(&self, conflict: &Conflict) -> bool {
        let ConflictKey { table, id, .. } = &conflict.key;
        let of_row = self.conflicts_about(table, id).filter(|other| other.key.kind.is_of_a_row());
        let mut of_row = of_row.map(|other| &other.detail);
        !self.is_crosswise || of_row.all(|detail| matches!(detail, ConflictDetail::Row { is_cell_mergeable: true, .. }))
    }

    /// Takes the last change back and says what it was.
    pub(super) fn undo(&mut self) -> Option<String> {
        let (before, what) = self.former.pop()?;
        self.now = before;
        self.hands = hands(&self.now.decisions);
        self.named = named(&self.now.decisions);
        self.problem = None;
        Some(what)
    }

    /// Changes what was chosen, without the decisions at some places.
    fn change(
        &mut self,
        what: String,
        without: &HashSet<usize>,
        change: impl FnOnce(&mut Vec<Decision>, &mut Partial),
    ) {
        let before = self.now.clone();
        let mut decisions = (*self.now.decisions).clone();
        let mut place = 0..;
        decisions.decisions.retain(|_| place.next().is_some_and(|place| !without.contains(&place)));
        let mut partial = (*self.now.partial).clone();
        change(&mut decisions.decisions, &mut partial);
        self.now = Choices { decisions: Arc::new(decisions), partial: Arc::new(partial) };
        self.hands = hands(&self.now.decisions);
        self.named = named(&self.now.decisions);
        self.problem = None;
        if self.former.len() == KEPT {
            self.former.remove(0);
        }
        self.former.push((before, what));
    }
}

/// Places of the decisions made by hand that say something.
fn hands(decisions: &MergeDecisions) -> HashMap<ConflictKey, Vec<usize>> {
    let mut hands: HashMap<ConflictKey, Vec<usize>> = HashMap::new();
    for (place, decision) in decisions.decisions.iter().enumerate() {
        if let (Scope::Conflict(key), Some(_)) = (&decision.on, &decision.choice) {
            hands.entry(key.clone()).or_default().push(place);
        }
    }
    hands
}

/// Which nodes' edges the decisions by hand that name edges are about.
fn named(decisions: &MergeDecisions) -> HashMap<(TableKey, String), Vec<String>> {
    let mut named: HashMap<(TableKey, String), Vec<String>> = HashMap::new();
    for decision in &decisions.decisions {
        if let (Scope::Conflict(key), Some(Choice::Edges { drop, restore })) = (&decision.on, &decision.choice) {
            for edge in drop.iter().chain(restore) {
                named.entry((key.table.clone(), edge.clone())).or_default().push(key.id.clone());
            }
        }
    }
    named
}
