//! The program, built where the tests can find it: the same entry point as the real binary's, with the fail points that the
//! environment variable `FAILPOINTS` sets.

fn main() -> std::process::ExitCode {
    let _scenario = fail::FailScenario::setup();
    stratigraph::cli::main()
}
