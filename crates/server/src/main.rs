//! The `crosspoint` binary: command line, wiring, supervision.
//!
//! `serve` runs the exchange; every other command either looks at the machine (`doctor`, `config`, `openapi`) or talks
//! to the running server through its HTTP API, as any other program would. One file per command.

mod address;
mod cli;
mod client;
mod commands;
mod doctor;
mod failure;
mod inputs;
mod output;
mod serve;

use std::process::ExitCode;

use clap::Parser;

/// Gives memory back to the system after load; see `.cargo/config.toml` for its settings.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    match commands::run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::error(&failure.to_string());
            failure.exit_code()
        }
    }
}
