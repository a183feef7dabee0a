//! What the user can ask for on this screen, and its part of the registry.

use stratigraph_engine::graph::Pending;
use stratigraph_engine::recovery::RecoveryPlan;

use crate::action::{self, Availability, Row, Scope};
use crate::screen::ScreenId;

/// What the user can ask for here.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Show what was recovered, or what is pending again.
    Audit,
    /// Show the selected sidecar's file as it is.
    Raw,
    /// Ask whether to settle what is pending.
    Sweep,
    /// Settle it, as this says.
    SweepNow(Box<Pending>),
    /// Ask whether to settle what needs no restore.
    Heal,
    /// Settle that; this is what was predicted.
    HealNow(Box<RecoveryPlan>),
    /// Ask where to move the selected sidecar.
    Quarantine,
    /// Ask whether to move it there.
    QuarantineTo(String),
    /// Move the sidecar with this name and text there.
    QuarantineNow(String, String, String),
    /// Show the commit that records the selected recovery.
    Commit,
}

/// Its rows of the registry.
#[must_use]
pub fn rows() -> Vec<Row> {
    let scope = Scope::Screen(ScreenId::Recovery);
    let row = |name, description, action| Row::new(name, description, scope, action::Action::Recovery(action));
    vec![
        row("recovery.sweep", "settle the interrupted writes as predicted: asks first", Action::Sweep)
            .keys(&["S"])
            .hint("settle")
            .available(|state| ready(state.screens.recovery.can_sweep(&state.shared))),
        row("recovery.heal", "settle what needs no restore, while writing", Action::Heal)
            .keys(&["H"])
            .hint("heal")
            .available(|state| ready(state.screens.recovery.can_heal(&state.shared))),
        row("recovery.audit", "what was recovered; again: what is pending", Action::Audit).keys(&["a"]).hint("audit"),
        row("recovery.raw", "the sidecar's file as it is", Action::Raw)
            .keys(&["i"])
            .hint("raw")
            .available(|state| ready(state.screens.recovery.can_show_raw(&state.shared))),
        row("recovery.quarantine", "move a file that blocks out of the graph: asks first", Action::Quarantine)
            .keys(&["Q"])
            .hint("quarantine")
            .available(|state| ready(state.screens.recovery.can_quarantine(&state.shared))),
        row("recovery.commit", "to the recovery commit in History", Action::Commit)
            .keys(&["g c"])
            .available(|state| ready(state.screens.recovery.commit(&state.shared).map(|_| ()))),
    ]
}

/// Ready, or the reason why not.
fn ready(possible: Result<(), String>) -> Availability {
    possible.map_or_else(Availability::no, |()| Availability::Ready)
}
