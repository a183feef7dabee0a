//! Interrupted writes and what was done about them, as far as looking goes: sidecars, observations, audit rows.

mod audit;
mod error;
mod observe;
mod sidecar;

pub use audit::{AuditRow, TableOutcome};
pub use error::RecoveryError;
pub use observe::{PinObservation, SidecarObservation};
pub use sidecar::{Pin, Registration, Sidecar, SidecarFile, SidecarState, Tombstone, WriterKind};

pub(crate) use audit::read_audit;
pub(crate) use observe::observe;
pub(crate) use sidecar::list_sidecars;
