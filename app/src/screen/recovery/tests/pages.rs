//! The pictures of this screen in the documentation.

use super::fixture::{three, with};
use crate::pages::show;

#[test]
fn three_interrupted_writes() {
    let mut stage = with(&three(), (116, 18));
    stage.keys("G");
    show("recovery", &stage.shown());
}

#[test]
fn one_of_them_in_full() {
    let mut stage = with(&three(), (116, 24));
    stage.keys("G enter");
    show("recovery-inspect", &stage.shown());
}
