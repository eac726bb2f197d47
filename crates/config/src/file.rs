//! The TOML file: every key is looked up in the table of keys, every value knows its line.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::keys::{self, KEYS, LATER};
use crate::load::{Draft, Source, TextFile};
use crate::problem::{Problem, did_you_mean};

/// Reads the file into the draft.
pub(crate) fn read(file: &TextFile, draft: &mut Draft) {
    let root = match DeTable::parse(&file.text) {
        Ok(root) => root.into_inner(),
        Err(error) => {
            let place =
                error.span().map_or_else(|| file.path.display().to_string(), |span| place(file, &span));
            let message = error.message().trim().replace('\n', ", ");
            draft.problems.push(Problem { place, key: String::new(), message });
            return;
        }
    };
    for (name, value) in in_order(root) {
        let sections = keys::sections();
        let is_section = sections.contains(&name.get_ref().as_ref());
        match value.get_ref() {
            DeValue::Table(_) if is_section => section(file, name.get_ref(), value, draft),
            _ if is_section => {
                refuse(
                    file,
                    &name,
                    name.get_ref(),
                    format!("is a section: write [{}]", name.get_ref()),
                    draft,
                );
            }
            _ => entry(file, "", &name, value, draft),
        }
    }
}

fn section(file: &TextFile, section: &str, value: Spanned<DeValue<'_>>, draft: &mut Draft) {
    if let DeValue::Table(table) = value.into_inner() {
        for (name, value) in in_order(table) {
            entry(file, section, &name, value, draft);
        }
    }
}

fn entry(
    file: &TextFile,
    section: &str,
    name: &Spanned<std::borrow::Cow<'_, str>>,
    value: Spanned<DeValue<'_>>,
    draft: &mut Draft,
) {
    let path =
        if section.is_empty() { name.get_ref().to_string() } else { format!("{section}.{}", name.get_ref()) };
    match keys::find(&path) {
        Some(key) => {
            let source = Source::File { path: file.path.clone(), line: line(&file.text, name.span().start) };
            draft.set(key, source, value, |span| Some(place(file, &span)));
        }
        None => {
            refuse(file, name, &path, unknown(section, name.get_ref(), value.get_ref().is_table()), draft)
        }
    }
}

/// Why there is no such key or section, and what may have been meant: first a key of the same section, then the
/// section that has a key of this name, then anything alike.
fn unknown(section: &str, name: &str, is_table: bool) -> String {
    if section.is_empty() && LATER.contains(&name) {
        return "this section is not available in this version".to_owned();
    }
    let what = if is_table && section.is_empty() { "unknown section" } else { "unknown key" };
    let here = KEYS.iter().map(keys::Key::split).filter(|(of, _)| *of == section).map(|(_, key)| key);
    let here: Vec<&str> =
        if section.is_empty() { here.chain(keys::sections()).collect() } else { here.collect() };
    let near = did_you_mean(name, here);
    if !near.is_empty() {
        return format!("{what}{near}");
    }
    let elsewhere = KEYS.iter().find(|key| key.split().1 == name).map(|key| key.path);
    match elsewhere {
        Some(path) => format!("{what}; did you mean \"{path}\"?"),
        None => format!("{what}; `crosspoint config show` lists the valid ones"),
    }
}

fn refuse(
    file: &TextFile,
    name: &Spanned<std::borrow::Cow<'_, str>>,
    path: &str,
    message: String,
    draft: &mut Draft,
) {
    draft.problems.push(Problem { place: place(file, &name.span()), key: path.to_owned(), message });
}

/// The entries of a table in the order of the text, whatever order the map keeps.
fn in_order(table: DeTable<'_>) -> Vec<(Spanned<std::borrow::Cow<'_, str>>, Spanned<DeValue<'_>>)> {
    let mut entries: Vec<_> = table.into_iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    entries
}

fn place(file: &TextFile, span: &Range<usize>) -> String {
    format!("{}:{}", file.path.display(), line(&file.text, span.start))
}

/// The line of a byte, from 1.
fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}
