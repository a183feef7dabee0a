//! A graph that OmniGraph wrote, for tests of what reads rows.

use std::path::Path;

use stratigraph_engine::Graph;

#[path = "../../../tests/src/unpack.rs"]
#[allow(unreachable_pub, reason = "the file is public where it is part of a library")]
mod unpack;

/// See `tests/fixtures/README.md`.
const ARCHIVE: &[u8] = include_bytes!("../../../tests/fixtures/team.tar.gz");
/// Where the paths inside the graph point, and where it is inside the archive.
const PLACE: &str = "/tmp/omnigraph-fixtures/team";

/// Opens the graph, unpacked where its paths point.
pub(crate) async fn sample() -> Graph {
    unpack::unpack(ARCHIVE, Path::new(PLACE)).expect("the archive is whole, and there is room");
    super::open_graph(PLACE).await.expect("the sample opens")
}
