//! The program, built where the tests can find it: the same entry point as the real binary's, with the fail points of the
//! environment variable `FAILPOINTS` in force.

fn main() -> std::process::ExitCode {
    let scenario = fail::FailScenario::setup();
    let code = stratigraph::cli::main();
    scenario.teardown();
    code
}
