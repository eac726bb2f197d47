//! Defaults, the file, the environment, the command line: each above the one before.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use toml::Spanned;
use toml::de::{DeValue, ValueDeserializer};

use crate::keys::{self, Form, Key};
use crate::problem::{Error, Problem};
use crate::sections::Config;
use crate::{check, environment, file};

/// The configuration file as it was read.
#[derive(Clone, Debug)]
pub struct TextFile {
    /// Its path, for messages.
    pub path: PathBuf,
    /// What is in it.
    pub text: String,
}

/// Everything a configuration is made of.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The file, if there is one.
    pub file: Option<TextFile>,
    /// The environment, all of it: names and values.
    pub environment: Vec<(String, String)>,
    /// Values from the command line: the flag (`--data-dir`), the key (`data_dir`), the text.
    pub command_line: Vec<(&'static str, &'static str, String)>,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody said anything.
    Default,
    /// The file and the line in it, from 1.
    File {
        /// The file's path.
        path: PathBuf,
        /// The line.
        line: usize,
    },
    /// An environment variable.
    Environment(String),
    /// A flag of the command line.
    CommandLine(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Default => f.write_str("default"),
            Source::File { path, line } => write!(f, "{}:{line}", path.display()),
            Source::Environment(name) => write!(f, "environment {name}"),
            Source::CommandLine(flag) => f.write_str(flag),
        }
    }
}

/// A valid configuration.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// Lines for the log: what was ignored.
    pub notes: Vec<String>,
    pub(crate) sources: Sources,
}

/// The source of each key that has one other than its default, by path.
pub(crate) type Sources = BTreeMap<&'static str, Source>;

impl Loaded {
    /// Where the value of a key came from.
    #[must_use]
    pub fn source(&self, key: &str) -> Source {
        self.sources.get(key).cloned().unwrap_or(Source::Default)
    }
}

/// Reads and checks the whole configuration.
///
/// # Errors
/// All problems found, not only the first.
pub fn load(inputs: &Inputs) -> Result<Loaded, Error> {
    let mut draft = Draft::default();
    if let Some(file) = &inputs.file {
        file::read(file, &mut draft);
    }
    environment::read(&inputs.environment, &mut draft);
    for (flag, path, text) in &inputs.command_line {
        if let Some(key) = keys::find(path) {
            draft.set(key, Source::CommandLine(flag), text_value(text), |_| None);
        }
    }
    check::check(&mut draft);
    if draft.problems.is_empty() {
        Ok(Loaded { config: draft.config, notes: draft.notes, sources: draft.sources })
    } else {
        Err(Error { problems: draft.problems })
    }
}

/// A configuration that is being put together.
#[derive(Default)]
pub(crate) struct Draft {
    pub(crate) config: Config,
    pub(crate) sources: Sources,
    pub(crate) problems: Vec<Problem>,
    pub(crate) notes: Vec<String>,
}

impl Draft {
    /// Sets one key, or notes why it cannot be. `place_of` names the place of an error inside the value, if it is
    /// finer than the source.
    pub(crate) fn set(
        &mut self,
        key: &'static Key,
        source: Source,
        value: Spanned<DeValue<'_>>,
        place_of: impl Fn(std::ops::Range<usize>) -> Option<String>,
    ) {
        let outcome = match form_problem(key.form, value.get_ref()) {
            Some(message) => Err((None, message)),
            None => (key.set)(&mut self.config, ValueDeserializer::from(value.clone())).map_err(|error| {
                let finer = error.span().filter(|span| *span != value.span());
                let span = finer.or_else(|| wrong_item(key, &value)).or(error.span());
                (span.and_then(place_of), error.message().trim().to_owned())
            }),
        };
        match outcome {
            Ok(()) => {
                self.sources.insert(key.path, source);
            }
            Err((place, message)) => {
                let place = place.unwrap_or_else(|| source.to_string());
                self.problems.push(Problem { place, key: key.path.to_owned(), message });
            }
        }
    }

    /// Notes a problem with a key at the place that set it.
    pub(crate) fn refuse(&mut self, path: &'static str, message: String) {
        let place = match self.sources.get(path) {
            None | Some(Source::Default) => String::new(),
            Some(source) => source.to_string(),
        };
        self.problems.push(Problem { place, key: path.to_owned(), message });
    }

    /// Whether somebody set the key.
    pub(crate) fn is_set(&self, path: &str) -> bool {
        self.sources.contains_key(path)
    }
}

/// Where the first item of a list is that cannot be set by itself.
fn wrong_item(key: &Key, list: &Spanned<DeValue<'_>>) -> Option<std::ops::Range<usize>> {
    let refused = |item: &&Spanned<DeValue<'_>>| {
        let alone = DeValue::Array([(*item).clone()].into_iter().collect());
        (key.set)(&mut Config::default(), ValueDeserializer::from(Spanned::new(item.span(), alone))).is_err()
    };
    list.get_ref().as_array()?.iter().find(refused).map(Spanned::span)
}

/// A text as a value.
pub(crate) fn text_value(text: &str) -> Spanned<DeValue<'_>> {
    Spanned::new(0..0, DeValue::String(Cow::Borrowed(text)))
}

/// Whether the value has the wrong form, said better than a type name would.
fn form_problem(form: Form, value: &DeValue<'_>) -> Option<String> {
    let expected = || Some(format!("expected a {}, found {}", form.words(), found(value)));
    match (form, value) {
        (Form::Text, DeValue::String(_)) => None,
        (Form::Number(low, high), DeValue::Integer(digits)) => {
            match i64::from_str_radix(&digits.as_str().replace('_', ""), digits.radix()) {
                Ok(number) if (low..=high).contains(&number) => None,
                _ => Some(format!("expected a {}, found {}", form.words(), digits.as_str())),
            }
        }
        (Form::Texts, DeValue::Array(items)) => {
            let wrong = items.iter().find(|item| !item.get_ref().is_str())?;
            Some(format!("expected a {}, found {} in it", form.words(), found(wrong.get_ref())))
        }
        (Form::Tables(names), DeValue::Array(items)) => items.iter().find_map(|item| match item.get_ref() {
            DeValue::Table(table) => {
                let unknown = table.keys().find(|name| !names.contains(&name.get_ref().as_ref()))?;
                let near = crate::problem::did_you_mean(unknown.get_ref(), names.iter().copied());
                Some(format!("unknown key \"{}\"{near}", unknown.get_ref()))
            }
            other => Some(format!("expected a {}, found {} in it", form.words(), found(other))),
        }),
        _ => expected(),
    }
}

/// What a value is, in words.
fn found(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
