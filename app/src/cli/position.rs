//! `--at`: the position a command reads from.

use stratigraph_engine::{At, Error};

use super::error::CliError;

/// The position to read from.
#[derive(Debug, clap::Args)]
pub(super) struct AtArg {
    /// Branch, commit id or its end, v7 or feature@v7, or a time like 2026-05-02T09:14:03Z
    #[arg(long, value_name = "POSITION", default_value = "main")]
    at: String,
}

impl AtArg {
    /// Reads the position; whether it exists is found later.
    pub(super) fn parse(&self) -> Result<At, CliError> {
        parse(&self.at)
    }
}

/// Reads a position.
pub(super) fn parse(text: &str) -> Result<At, CliError> {
    text.parse().map_err(|error| Error::from(error).into())
}
