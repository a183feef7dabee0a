//! The picture of this screen in the documentation.

use super::stage::Stage;
use crate::pages::show;

#[test]
fn branches_beside_main() {
    let mut stage = Stage::ready(116, 20);
    stage.keys("j");
    stage.details();
    show("branches", &stage.shown());
}
