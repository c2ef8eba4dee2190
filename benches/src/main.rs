//! Measures simple-queue beside bare Postgres and beside its peers.
//!
//! Run with: `cargo run --release -p simple-queue-benches -- drain --quick`

fn main() -> std::process::ExitCode {
    simple_queue_benches::main()
}
