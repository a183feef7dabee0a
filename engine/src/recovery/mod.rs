//! Interrupted writes and what was done about them, as far as looking goes: sidecars, observations, audit rows.

mod act;
mod adoption;
mod audit;
mod classify;
mod decide;
mod error;
mod fate;
mod observe;
mod outlook;
mod plan;
mod quarantine;
mod schema_files;
mod sidecar;
mod soundness;
mod standing;
mod sweep;
mod uncovered;

pub use act::Recovered;
pub use audit::{AuditRow, TableOutcome};
pub use classify::Classification;
pub use decide::Decision;
pub use error::{RecoveryError, Refusal};
pub use fate::Fate;
pub use observe::{PinObservation, SidecarObservation};
pub use plan::{RecoveryPlan, RecoveryStep};
pub use sidecar::{Pin, Registration, Sidecar, SidecarFile, SidecarState, Tombstone, WriterKind};
pub use standing::TableStanding;

pub(crate) use audit::read_audit;
pub(crate) use error::quoted;
pub(crate) use observe::observe;
pub(crate) use plan::plan_recovery;
pub(crate) use quarantine::quarantine;
pub(crate) use schema_files::{accepted_texts, plan_schema_files, settle_schema_files, staged_texts, write_derived};
pub(crate) use sidecar::{NEWEST_FORMAT, delete_sidecar, list_sidecars, write_sidecar};
pub(crate) use sweep::{heal, is_something_left, recover, sweep};
pub(crate) use uncovered::{discard_head, publish_head};
