//! Terminal widgets of Stratigraph.
//!
//! Every widget takes borrowed rows and a style struct, does no input or output, keeps no clock and draws on any area, 0×0
//! included. None knows the engine: the program translates engine values into the row types found here.

pub mod commit_dag;
pub mod data_table;
pub mod diff_table;
pub mod job_list;
pub mod symbol;
pub mod toast;
pub mod tree;
pub mod width;
