//! One way to write for all writers.
//!
//! | file | answers |
//! |---|---|
//! | `plan` | what a writer wants to do, as data |
//! | `attempt` | how often it is planned, if others come first |
//! | `spool` | where rows wait until they are written |
//! | `gate`, `lease` | who may write what, in this process and beside others |
//! | `run` | how a plan is carried out: stage, arm, apply, publish, settle |
//! | `table` | one table on its way |
//! | `drift` | whether a table is as its branch shows it, and what is done if not |
//! | `publish` | making all tables visible at once, and recording the commit |
//! | `rehearsal` | where a write stops on purpose |
//! | `fork` | how a branch gets its own lineage of a table |
//! | `tidy` | how the internal tables stay in few files |

mod attempt;
mod drift;
mod error;
mod fork;
mod gate;
mod lease;
mod plan;
mod publish;
mod rehearsal;
mod run;
mod spool;
mod table;
mod tidy;

pub use error::WriteError;
pub use rehearsal::StopAt;
pub use run::{Written, WrittenTable};
pub use spool::SpoolError;

pub(crate) use attempt::plan_and_run;
pub(crate) use drift::discard_drift;
pub(crate) use gate::{Gate, Gates, Held};
pub(crate) use plan::{Adoption, Change, Effect, RowSource, Step, WritePlan, check_current};
pub(crate) use publish::{complete_history, open_commits};
pub(crate) use run::{Writer, refuse_during_schema_apply};
pub(crate) use spool::{Spool, SpoolWriter};
