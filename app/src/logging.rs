//! The log file of a run, and secrets in locations.

use std::path::{Path, PathBuf};

use anyhow::Context;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

/// An open log; dropping it writes out what is buffered.
#[derive(Debug)]
pub struct Log {
    /// The file.
    pub path: PathBuf,
    _guard: WorkerGuard,
}

/// Starts logging to `directory/stratigraph.log` (appended to).
///
/// `level` is a filter as `tracing` reads it (`info`, `stratigraph=debug`); it comes from the flag or the environment.
///
/// # Errors
/// If the directory cannot be made, the file cannot be opened, or the filter is no filter.
pub fn start(directory: &Path, level: &str) -> anyhow::Result<Log> {
    std::fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    let path = directory.join("stratigraph.log");
    let file = std::fs::OpenOptions::new().create(true).append(true).open(&path);
    let file = file.with_context(|| format!("cannot open log {}", path.display()))?;
    let filter = EnvFilter::try_new(level).with_context(|| format!("not a log level: {level:?}"))?;
    let (writer, guard) = tracing_appender::non_blocking(file);
    let subscriber = fmt().with_env_filter(filter).with_ansi(false).with_writer(writer).finish();
    // A second run in one process (tests) keeps the first log.
    drop(tracing::subscriber::set_global_default(subscriber));
    Ok(Log { path, _guard: guard })
}

/// The location without what only its owner may know: the password (or key) before `@`, and values of query parameters.
#[must_use]
pub fn mask_secrets(uri: &str) -> String {
    let (front, query) = uri.split_once('?').map_or((uri, None), |(front, query)| (front, Some(query)));
    let mut masked = match front.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://{}", mask_user(rest)),
        None => front.to_owned(),
    };
    if let Some(query) = query {
        let names = query.split('&').map(|pair| match pair.split_once('=') {
            Some((name, _)) => format!("{name}=***"),
            None => pair.to_owned(),
        });
        masked.push('?');
        masked.push_str(&names.collect::<Vec<_>>().join("&"));
    }
    masked
}

fn mask_user(rest: &str) -> String {
    let end = rest.find('/').unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    match host.rsplit_once('@') {
        Some((user, host)) => {
            let name = user.split_once(':').map_or("***".to_owned(), |(name, _)| format!("{name}:***"));
            format!("{name}@{host}{path}")
        }
        None => rest.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_reach_screen_or_log() {
        for (uri, expected) in [
            ("/data/crm", "/data/crm"),
            ("s3://bucket/crm", "s3://bucket/crm"),
            ("s3://key:secret@bucket/crm", "s3://key:***@bucket/crm"),
            ("s3://token@bucket", "s3://***@bucket"),
            ("https://h/crm?sig=abc&x", "https://h/crm?sig=***&x"),
            ("/data/a@b/c", "/data/a@b/c"),
        ] {
            assert_eq!(mask_secrets(uri), expected);
        }
    }
}
