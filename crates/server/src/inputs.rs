//! Reads what the configuration is made of: the file, the environment, the flags.

use std::path::{Path, PathBuf};

use anyhow::Context;
use config::{Inputs, Loaded, TextFile};

use crate::cli::Place;
use crate::failure::Failure;

/// Taken where no file is named and this one is there.
const DEFAULT_FILE: &str = "crosspoint.toml";

/// The configuration in effect.
///
/// # Errors
/// [`Failure::Usage`] naming each problem; [`Failure::Failed`] when the file cannot be read.
pub(crate) fn load(place: &Place) -> Result<Loaded, Failure> {
    let mut inputs = Inputs { file: file(place)?, ..Inputs::default() };
    // Names and values that are no text cannot be ours.
    inputs.environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    if let Some(data_dir) = &place.data_dir {
        let text = data_dir.to_str().ok_or_else(|| Failure::Usage("--data-dir: not a text".to_owned()))?;
        inputs.command_line.push(("--data-dir", "data_dir", text.to_owned()));
    }
    Ok(config::load(&inputs)?)
}

/// The path of the file that is read, if any.
pub(crate) fn path(place: &Place) -> Option<PathBuf> {
    let default = || Some(PathBuf::from(DEFAULT_FILE)).filter(|path| path.exists());
    place.config.clone().or_else(default)
}

fn file(place: &Place) -> Result<Option<TextFile>, Failure> {
    path(place).map(|path| read(&path).map_err(Failure::from)).transpose()
}

fn read(path: &Path) -> anyhow::Result<TextFile> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the configuration file {}", path.display()))?;
    Ok(TextFile { path: path.to_owned(), text })
}
