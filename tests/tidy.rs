//! The house rules of `ARCHITECTURE.md`, checked over the source text and the package graph.
//!
//! Each test is one rule; a failure names the file and line, and what to do instead.

#![expect(clippy::unwrap_used, reason = "a test ends where the tree cannot be read")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Every arrow between crates that is allowed. A package that is not listed here may depend on none of ours.
const ARROWS: &[(&str, &[&str])] = &[
    ("server", &["api", "switch", "config", "storage", "signaling", "media", "model", "clock"]),
    ("api", &["switch", "storage", "model", "clock"]),
    ("switch", &["call", "signaling", "media", "storage", "model", "sip", "sdp", "uri", "clock"]),
    ("call", &["model", "sip", "sdp", "uri", "clock"]),
    ("storage", &["model", "clock", "uri"]),
    ("config", &["model"]),
    ("signaling", &["sip", "clock", "uri"]),
    ("media", &["rtp", "sdp", "clock"]),
    ("model", &["uri", "clock"]),
    ("sip", &["uri", "clock"]),
    ("sdp", &["clock"]),
    ("rtp", &["clock"]),
    ("uri", &[]),
    ("clock", &[]),
    ("testkit", &["sip", "clock", "rtp", "uri"]),
];

/// Crates that know no socket, no clock and no task.
const CORES: &[&str] = &["clock", "uri", "sip", "sdp", "rtp", "model", "call"];

/// What a core must not name.
const OUTSIDE_WORLD: &[&str] = &[
    "tokio",
    "UdpSocket",
    "TcpStream",
    "TcpListener",
    "Instant::now",
    "SystemTime::now",
    "std::fs",
    "std::thread",
];

/// The folders that may hold `unsafe`, each with its argument beside the block.
const UNSAFE_FOLDERS: &[&str] = &["crates/media/src/io", "crates/signaling/src/io"];

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &["util", "utils", "common", "manager", "helper", "helpers", "process", "misc"];

const LONGEST_FILE: usize = 1_200;
const LONGEST_FILE_WITHOUT_REASON: usize = 800;
const LONGEST_FACE: usize = 150;

/// Fields that identify a person: in a log line their value is wrapped in `Pii`.
const PERSONAL_FIELDS: &[&str] =
    &["from_number", "to_number", "caller", "callee", "aor", "contact", "number", "body", "username", "uri"];

#[test]
fn dependencies_follow_the_arrows() {
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .unwrap();
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let mut wrong = Vec::new();
    for package in &metadata.packages {
        let Some(from) = package.name.strip_prefix("crosspoint-") else { continue };
        if from == "tests" || from == "benches" {
            continue;
        }
        for dependency in &package.dependencies {
            let Some(to) = dependency.name.strip_prefix("crosspoint-") else { continue };
            let development = dependency.kind == cargo_metadata::DependencyKind::Development;
            let known = allowed.get(from).is_some_and(|targets| targets.contains(&to));
            if !known && !(development && (to == "testkit" || below(&allowed, from, to))) {
                wrong.push(format!("{from} -> {to}"));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that ARCHITECTURE.md does not have: {wrong:?}");
}

#[test]
fn the_planes_never_meet_below_the_switch() {
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    for (above, below) in
        [("signaling", "media"), ("media", "signaling"), ("storage", "switch"), ("call", "switch")]
    {
        assert!(!allowed[above].contains(&below), "{above} must not know {below}");
    }
}

#[test]
fn cores_know_no_world() {
    let mut wrong = Vec::new();
    for core in CORES {
        for file in rust_files(&root().join("crates").join(core).join("src")) {
            // The one clock of the product lives in the ground floor.
            if file.ends_with("clock/src/system.rs") {
                continue;
            }
            each_line(&file, |number, line| {
                let code = line.split("//").next().unwrap_or("");
                if let Some(word) = OUTSIDE_WORLD.iter().find(|word| code.contains(**word)) {
                    wrong.push(format!("{}:{number}: {word}", shown(&file)));
                }
            });
        }
    }
    assert!(wrong.is_empty(), "a core takes time as an argument and does no IO:\n{}", wrong.join("\n"));
}

#[test]
fn files_have_one_idea_and_a_bounded_length() {
    let mut wrong = Vec::new();
    for file in sources() {
        let text = fs::read_to_string(&file).unwrap();
        let lines = text.lines().count();
        let has_reason = text.lines().take(20).any(|line| line.starts_with("//! Long because"));
        if lines > LONGEST_FILE || lines > LONGEST_FILE_WITHOUT_REASON && !has_reason {
            wrong.push(format!("{}: {lines} lines", shown(&file)));
        }
        if file.file_name().is_some_and(|name| name == "lib.rs") && lines > LONGEST_FACE {
            wrong
                .push(format!("{}: a face has at most {LONGEST_FACE} lines, this has {lines}", shown(&file)));
        }
        let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or("");
        if EMPTY_NAMES.contains(&stem) {
            wrong.push(format!("{}: a name that says nothing", shown(&file)));
        }
    }
    assert!(
        wrong.is_empty(),
        "split by idea (over 800 lines: begin with `//! Long because …`):\n{}",
        wrong.join("\n")
    );
}

#[test]
fn unsafe_code_stays_in_the_io_folders() {
    let mut wrong = Vec::new();
    for file in sources() {
        let place = shown(&file);
        if UNSAFE_FOLDERS.iter().any(|folder| place.starts_with(folder))
            || place.contains("/tests/")
            || place == "tests/tidy.rs"
        {
            continue;
        }
        each_line(&file, |number, line| {
            let code = line.split("//").next().unwrap_or("");
            if code.contains("unsafe ") && !code.contains("unsafe_code") {
                wrong.push(format!("{place}:{number}"));
            }
        });
    }
    assert!(wrong.is_empty(), "unsafe outside {UNSAFE_FOLDERS:?}: {wrong:?}");
}

#[test]
fn every_unsafe_block_has_its_argument() {
    let mut wrong = Vec::new();
    for folder in UNSAFE_FOLDERS {
        for file in rust_files(&root().join(folder)) {
            let text = fs::read_to_string(&file).unwrap();
            let lines: Vec<&str> = text.lines().collect();
            for (index, line) in lines.iter().enumerate() {
                if !line.contains("unsafe {") || line.trim_start().starts_with("//") {
                    continue;
                }
                let argued =
                    lines[index.saturating_sub(6)..=index].iter().any(|near| near.contains("SAFETY:"));
                if !argued {
                    wrong.push(format!("{}:{}", shown(&file), index + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "an unsafe block without a `SAFETY:` comment above it: {wrong:?}");
}

#[test]
fn lints_are_expected_with_a_reason_and_never_allowed() {
    let wrong = lines_with(|line| line.contains("#[allow(") || line.contains("#![allow("));
    assert!(wrong.is_empty(), "use #[expect(…, reason = \"…\")]: {wrong:?}");
}

#[test]
fn every_queue_has_a_bound() {
    let wrong = lines_with(|line| {
        line.contains("unbounded_channel(") || line.contains("unbounded(") || line.contains("mpsc::channel()")
    });
    assert!(wrong.is_empty(), "a queue without a bound: {wrong:?}");
}

#[test]
fn nothing_is_left_for_later() {
    let marks = ["to", "fix", "xx"].map(|half| match half {
        "to" => "TODO",
        "fix" => "FIXME",
        _ => "XXX",
    });
    let wrong = lines_with(|line| {
        marks.iter().any(|mark| line.contains(mark))
            || line.contains("unimplemented!(")
            || line.contains("todo!(")
    });
    assert!(wrong.is_empty(), "finish it or leave it out: {wrong:?}");
}

#[test]
fn tests_are_not_ignored_and_do_not_sleep() {
    let wrong = lines_with(|line| {
        line.contains("#[ignore") || line.contains("thread::sleep(") || line.contains("time::sleep(")
    });
    let wrong: Vec<_> = wrong.into_iter().filter(|place| place.contains("tests")).collect();
    assert!(wrong.is_empty(), "wait for the event, with a bound: {wrong:?}");
}

#[test]
fn handlers_speak_no_sql() {
    let manifest = fs::read_to_string(root().join("crates/api/Cargo.toml")).unwrap();
    assert!(!manifest.contains("sqlx"), "the API asks storage and the switch; SQL lives in crates/storage");
}

#[test]
fn rfcs_are_cited_in_one_form() {
    let wrong = lines_with(|line| {
        let Some((_, after)) = line.split_once("RFC") else { return false };
        let glued = after.starts_with(|c: char| c.is_ascii_digit());
        let worded = [" section ", " Section ", " sec. "]
            .iter()
            .any(|word| after.contains(word) && line.contains("//"));
        glued || worded
    });
    let wrong: Vec<_> = wrong.into_iter().filter(|place| place.contains(".rs:")).collect();
    assert!(wrong.is_empty(), "write `RFC 3261 §17.1.1.2`: {wrong:?}");
}

#[test]
fn personal_values_are_wrapped_in_log_lines() {
    let mut wrong = Vec::new();
    for file in sources().into_iter().filter(|file| shown(file).contains("/src/")) {
        let text = fs::read_to_string(&file).unwrap();
        for (index, statement) in log_statements(&text) {
            for field in PERSONAL_FIELDS {
                let named = [
                    format!(" {field} = "),
                    format!("({field} = "),
                    format!("%{field}"),
                    format!("?{field}"),
                ];
                let bare = named.iter().any(|form| statement.contains(form.as_str()));
                if bare && !statement.contains("Pii(") {
                    wrong.push(format!("{}:{index}: {field}", shown(&file)));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "wrap it in clock::Pii: {wrong:?}");
}

#[test]
fn every_dependency_says_what_it_is_for() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let section =
        manifest.split("[workspace.dependencies]").nth(1).and_then(|rest| rest.split("\n[").next()).unwrap();
    let silent: Vec<_> = section
        .lines()
        .filter(|line| line.contains('=') && !line.starts_with('#') && !line.contains("path = \"crates/"))
        .filter(|line| line.split_once('#').is_none_or(|(_, comment)| comment.trim().len() <= 10))
        .collect();
    assert!(silent.is_empty(), "a comment says what the crate is for: {silent:#?}");
}

#[test]
fn the_repository_names_no_machine_of_ours() {
    let marks = [concat!("/wo", "rk/"), concat!("../sha", "red"), concat!("/fa", "rm/")];
    let mut wrong = Vec::new();
    for file in tracked_text() {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        for (index, line) in text.lines().enumerate() {
            if marks.iter().any(|mark| line.contains(mark)) {
                wrong.push(format!("{}:{}", shown(&file), index + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "paths that exist on one machine only: {wrong:?}");
}

#[test]
fn documents_link_to_what_exists() {
    let mut wrong = Vec::new();
    for file in
        tracked_text().into_iter().filter(|file| file.extension().is_some_and(|ending| ending == "md"))
    {
        let text = fs::read_to_string(&file).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = target.split('#').next().unwrap_or("");
            if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
                continue;
            }
            if !file.parent().unwrap().join(path).exists() {
                wrong.push(format!("{} -> {target}", shown(&file)));
            }
        }
    }
    assert!(wrong.is_empty(), "links into nothing: {wrong:?}");
}

/// Whether `to` can be reached from `from` over the arrows: a test may build what its crate stands on.
fn below(allowed: &BTreeMap<&str, &[&str]>, from: &str, to: &str) -> bool {
    allowed
        .get(from)
        .is_some_and(|targets| targets.iter().any(|target| *target == to || below(allowed, target, to)))
}

#[test]
fn the_table_of_places_names_what_exists() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let table = text.split("## Where is").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
    let places: Vec<&str> = table.split('`').skip(1).step_by(2).filter(|place| place.contains('/')).collect();
    let wrong: Vec<_> =
        places.iter().filter(|place| !place.contains('<') && !root().join(place).exists()).collect();
    assert!(places.len() > 20 && wrong.is_empty(), "places of ARCHITECTURE.md that are not there: {wrong:?}");
}

// — reading the tree —

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn shown(file: &Path) -> String {
    file.strip_prefix(root()).unwrap_or(file).display().to_string()
}

fn sources() -> Vec<PathBuf> {
    ["crates", "tests", "benches"].iter().flat_map(|folder| rust_files(&root().join(folder))).collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    walk(folder).into_iter().filter(|file| file.extension().is_some_and(|ending| ending == "rs")).collect()
}

fn tracked_text() -> Vec<PathBuf> {
    const TEXT: &[&str] = &["rs", "md", "toml", "sh", "sql", "json", "xml", "py", "yml", "cfg"];
    let mut files = walk(&root());
    files.retain(|file| {
        let named = file.file_name().is_some_and(|name| name == "Makefile" || name == "run");
        named
            || file
                .extension()
                .and_then(|ending| ending.to_str())
                .is_some_and(|ending| TEXT.contains(&ending))
    });
    files
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    const SKIPPED: &[&str] = &["target", ".git", "data", "node_modules"];
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths: BTreeSet<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    let mut files = Vec::new();
    for path in paths {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
        if path.is_dir() && !SKIPPED.contains(&name) {
            files.extend(walk(&path));
        } else if path.is_file() {
            files.push(path);
        }
    }
    files
}

fn each_line(file: &Path, mut see: impl FnMut(usize, &str)) {
    for (index, line) in fs::read_to_string(file).unwrap().lines().enumerate() {
        see(index + 1, line);
    }
}

/// `file:line` of every source line, but this file's, for which `wrong` holds.
fn lines_with(wrong: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for file in sources().into_iter().filter(|file| !file.ends_with("tests/tidy.rs")) {
        each_line(&file, |number, line| {
            if wrong(line) {
                found.push(format!("{}:{number}", shown(&file)));
            }
        });
    }
    found
}

/// The logging statements of a source text, each as one line, with the number of its first line.
fn log_statements(text: &str) -> Vec<(usize, String)> {
    const MACROS: &[&str] = &["error!(", "warn!(", "info!(", "debug!(", "trace!(", "_span!("];
    let mut statements = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (index, line) in text.lines().enumerate() {
        if let Some((_, statement)) = &mut open {
            statement.push(' ');
            statement.push_str(line.trim());
        } else if MACROS.iter().any(|name| line.contains(name)) && !line.trim_start().starts_with("//") {
            open = Some((index + 1, line.trim().to_owned()));
        }
        let ended = line.trim_end().ends_with([';', '}']);
        if ended {
            statements.extend(open.take());
        }
    }
    statements
}
