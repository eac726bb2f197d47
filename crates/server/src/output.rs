//! Everything the command line prints.

use std::io::Write;

/// Prints a text and a line end.
pub(crate) fn line(text: &str) {
    // A closed pipe (`| head`) is no reason to panic.
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints JSON for programs.
pub(crate) fn json(value: &serde_json::Value) {
    line(&serde_json::to_string_pretty(value).unwrap_or_default());
}

/// Prints why a command failed.
pub(crate) fn error(text: &str) {
    if !text.is_empty() {
        let _ = writeln!(std::io::stderr(), "crosspoint: {text}");
    }
}

/// Clears the screen, for `--watch`.
pub(crate) fn clear() {
    let _ = write!(std::io::stdout(), "\x1b[H\x1b[2J");
    let _ = std::io::stdout().flush();
}

/// A field of a JSON object as text: nothing there is `-`; a path goes deeper with dots.
pub(crate) fn text(item: &serde_json::Value, path: &str) -> String {
    let found = path.split('.').try_fold(item, |item, name| item.get(name));
    match found {
        None | Some(serde_json::Value::Null) => "-".to_owned(),
        Some(serde_json::Value::String(text)) if text.is_empty() => "-".to_owned(),
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// Columns as wide as their widest cell.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    let mut widths = vec![0; head.len()];
    for row in std::iter::once(&head).chain(rows) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let written = |row: &Vec<String>| {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    std::iter::once(&head).chain(rows).map(written).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_path() {
        let item = serde_json::json!({"a": {"b": "x"}, "n": 3, "none": null, "empty": ""});
        let found = ["a.b", "n", "none", "empty", "a.c", "n.x"].map(|path| text(&item, path));
        assert_eq!(found, ["x", "3", "-", "-", "-", "-"]);
    }

    #[test]
    fn columns_line_up() {
        let rows = [
            vec!["6001".to_owned(), "Änne".to_owned(), "x".to_owned()],
            vec!["60100".to_owned(), String::new(), "y".to_owned()],
        ];
        assert_eq!(table(&["user", "name", "z"], &rows), "user   name  z\n6001   Änne  x\n60100        y");
        assert_eq!(table(&["user"], &[]), "user");
    }
}
