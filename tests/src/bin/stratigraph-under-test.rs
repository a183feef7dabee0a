//! The program, built where the tests can find it: the same entry point as the real binary's.

fn main() -> std::process::ExitCode {
    stratigraph::cli::main()
}
