//! A graph that OmniGraph wrote, for tests of what reads rows.

use std::fs;
use std::path::Path;
use std::sync::Mutex;

use flate2::read::GzDecoder;
use stratigraph_engine::Graph;

/// See `tests/fixtures/README.md`.
const ARCHIVE: &[u8] = include_bytes!("../../../tests/fixtures/team.tar.gz");
/// Where the paths inside the graph point, and where it is inside the archive.
const PLACE: &str = "/tmp/omnigraph-fixtures/team";

static UNPACKING: Mutex<()> = Mutex::new(());

/// Opens the graph, unpacked where its paths point.
pub(crate) async fn sample() -> Graph {
    unpack();
    super::open_graph(PLACE).await.expect("the sample opens")
}

/// Several processes may unpack at once: the graph appears whole, by a rename, and what is there stays.
fn unpack() {
    let _one_at_a_time = UNPACKING.lock().expect("no test panics while unpacking");
    let place = Path::new(PLACE);
    if place.exists() {
        return;
    }
    let parent = place.parent().expect("it is no root");
    let staging = parent.join(format!(".stratigraph-sample-{}", std::process::id()));
    fs::create_dir_all(&staging).expect("there is room");
    tar::Archive::new(GzDecoder::new(ARCHIVE)).unpack(&staging).expect("the archive is whole");
    let renamed = fs::rename(staging.join(PLACE.trim_start_matches('/')), place);
    fs::remove_dir_all(&staging).expect("it is ours");
    assert!(renamed.is_ok() || place.is_dir(), "{renamed:?}");
}
