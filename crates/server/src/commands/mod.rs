//! One file per command.

mod account;
mod configuration;
mod show;
mod token;

use crate::cli::{Arguments, Command};
use crate::client::Client;
use crate::failure::Failure;
use crate::{doctor, inputs, output, serve};

/// Runs the command of the command line.
///
/// # Errors
/// What to say, and with which exit code to end.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let place = &arguments.place;
    match &arguments.command {
        Command::Serve => serve::run(place),
        Command::Doctor => doctor::run(place),
        Command::Config(command) => configuration::run(place, *command),
        Command::Openapi => {
            let document = api::openapi().to_pretty_json().map_err(anyhow::Error::from)?;
            output::line(&document);
            Ok(())
        }
        Command::Account(command) => account::run(&client(arguments)?, command),
        Command::Token(command) => token::run(&client(arguments)?, command),
        Command::Show(show) => show::run(&client(arguments)?, *show),
    }
}

fn client(arguments: &Arguments) -> Result<Client, Failure> {
    let loaded = inputs::load(&arguments.place)?;
    Ok(Client::new(&loaded.config.data_dir)?)
}
