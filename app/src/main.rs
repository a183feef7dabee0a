//! The program: see [`stratigraph::cli`].

fn main() -> std::process::ExitCode {
    stratigraph::cli::main()
}
