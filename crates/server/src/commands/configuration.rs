//! `config check`, `config show`, `config schema`.

use serde_json::json;

use crate::cli::{ConfigCommand, Place};
use crate::failure::Failure;
use crate::{inputs, output};

pub(crate) fn run(place: &Place, command: ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Check => {
            let loaded = inputs::load(place)?;
            for note in &loaded.notes {
                output::line(note);
            }
            match inputs::path(place) {
                Some(path) => output::line(&format!("{}: ok", path.display())),
                None => output::line("ok (no configuration file; defaults and environment)"),
            }
        }
        ConfigCommand::Show { json: true } => {
            let settings = inputs::load(place)?.effective();
            let settings: Vec<_> = settings
                .iter()
                .map(|setting| json!({"key": setting.key, "value": setting.value, "source": setting.source.to_string()}))
                .collect();
            output::json(&json!(settings));
        }
        ConfigCommand::Show { json: false } => {
            let settings = inputs::load(place)?.effective();
            let rows: Vec<_> = settings
                .into_iter()
                .map(|setting| vec![setting.key.to_owned(), setting.value, setting.source.to_string()])
                .collect();
            output::line(&output::table(&["KEY", "VALUE", "SOURCE"], &rows));
        }
        ConfigCommand::Schema => output::json(&config::schema()),
    }
    Ok(())
}
