//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Self-hosted communications server.
#[derive(Debug, Parser)]
#[command(name = "crosspoint", version, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Arguments {
    /// Where the configuration is.
    #[command(flatten)]
    pub(crate) place: Place,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where the configuration and the data are; every command takes these.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Place {
    /// Configuration file (TOML). Without it: ./crosspoint.toml where there is one, else defaults
    #[arg(long, global = true, value_name = "FILE", env = "CROSSPOINT_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Data directory; overrides the configuration
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server
    Serve,
    /// Check ports, addresses, TLS, database and limits, with a remedy for each trouble
    Doctor,
    /// The configuration: check it, show the values in effect, print its schema
    #[command(subcommand)]
    Config(ConfigCommand),
    /// SIP accounts of the running server
    #[command(subcommand)]
    Account(AccountCommand),
    /// API keys of the running server
    #[command(subcommand)]
    Token(TokenCommand),
    /// Print the OpenAPI document of the HTTP API
    Openapi,
    /// Live state of the running server
    Show(Show),
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Validate; says what is wrong, where, and what would be right
    Check,
    /// Every value in effect and where it came from; secrets hidden
    Show {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// JSON schema of the configuration file
    Schema,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Make an account; prints its password if one is generated
    Add {
        /// The user part of its SIP address: 6020
        username: String,
        #[command(flatten)]
        fields: AccountFields,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// List accounts
    List {
        /// Only those whose username, name or extension contains this
        #[arg(long)]
        search: Option<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Change an account
    Set {
        /// Its username
        username: String,
        #[command(flatten)]
        fields: AccountFields,
        /// Whether it may register and call
        #[arg(long, value_name = "BOOL")]
        enabled: Option<bool>,
        /// Give it a new, generated password and print it
        #[arg(long, conflicts_with = "password")]
        new_password: bool,
    },
    /// Remove an account and its registrations
    Remove {
        /// Its username
        username: String,
    },
}

/// What can be said about an account.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct AccountFields {
    /// Its password; generated where none is given for a new account
    #[arg(long)]
    pub(crate) password: Option<String>,
    /// Transport and media profile
    #[arg(long, value_enum)]
    pub(crate) template: Option<Template>,
    /// Name shown to others
    #[arg(long, value_name = "NAME")]
    pub(crate) display_name: Option<String>,
    /// Short number
    #[arg(long, value_name = "NUMBER")]
    pub(crate) extension: Option<String>,
    /// Mail address
    #[arg(long)]
    pub(crate) email: Option<String>,
    /// The application's own user id
    #[arg(long, value_name = "ID")]
    pub(crate) external_id: Option<String>,
    /// Registered devices at once
    #[arg(long, value_name = "N")]
    pub(crate) max_contacts: Option<u32>,
    /// Calls at once
    #[arg(long, value_name = "N")]
    pub(crate) max_concurrent_calls: Option<u32>,
}

/// Transport and media profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Template {
    Webrtc,
    Softphone,
    SecureSoftphone,
    Custom,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make an API key; it is printed once
    Add {
        /// What it is for
        name: String,
        /// A right it has; several times for several. Without: all
        #[arg(long = "scope", value_name = "SCOPE")]
        scopes: Vec<String>,
        /// Days until it ends. Without: never
        #[arg(long, value_name = "N")]
        expires_in_days: Option<u32>,
    },
    /// List API keys
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove an API key
    Remove {
        /// Its id or its name
        token: String,
    },
}

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Show {
    /// What to show
    #[arg(value_enum)]
    pub(crate) what: Shown,
    /// As JSON; with --watch one document per line
    #[arg(long)]
    pub(crate) json: bool,
    /// Again every second, until interrupted
    #[arg(long)]
    pub(crate) watch: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shown {
    /// Who is registered, from where, until when
    Registrations,
    /// Calls in progress
    Calls,
    /// Media of the calls in progress: codec, loss, jitter, round trip, MOS per leg
    Channels,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn flags_of_the_place_may_come_after_the_command() {
        let parsed =
            Arguments::try_parse_from(["crosspoint", "serve", "--data-dir", "/srv/x", "--config", "a.toml"]);
        let place = parsed.unwrap().place;
        assert_eq!((place.data_dir, place.config), (Some("/srv/x".into()), Some("a.toml".into())));
    }
}
