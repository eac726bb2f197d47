//! The binary from outside: what it prints and how it exits when no server runs.

#![expect(clippy::expect_used, reason = "a test ends where the binary cannot be run")]

use std::path::Path;
use std::process::{Command, Output};

fn crosspoint(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_crosspoint"))
        .args(arguments)
        .current_dir(directory)
        .env_clear()
        .output()
        .expect("the binary runs")
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn version_is_printed() {
    let directory = tempfile::tempdir().unwrap();
    let output = crosspoint(directory.path(), &["--version"]);
    assert!(output.status.success());
    assert_eq!(said(&output.stdout).trim(), concat!("crosspoint ", env!("CARGO_PKG_VERSION")));
}

#[test]
fn an_unknown_command_is_a_usage_error() {
    let directory = tempfile::tempdir().unwrap();
    let output = crosspoint(directory.path(), &["server"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output.stderr).contains("serve"), "{}", said(&output.stderr));
}

#[test]
fn a_mistyped_key_stops_the_start_with_file_line_and_nearest_name() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("crosspoint.toml"), "domain = \"pbx.example\"\n[sip]\nlisen = []\n")
        .unwrap();
    for command in [&["config", "check"][..], &["serve"][..]] {
        let output = crosspoint(directory.path(), command);
        let text = said(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(
            text.contains("crosspoint.toml:3") && text.contains("lisen") && text.contains("listen"),
            "{text}"
        );
        assert!(!directory.path().join("data").exists(), "nothing is made before the configuration is right");
    }
}

#[test]
fn the_api_document_is_printed_without_a_server() {
    let directory = tempfile::tempdir().unwrap();
    let output = crosspoint(directory.path(), &["openapi"]);
    assert!(output.status.success());
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(document["paths"]["/api/calls/active"]["get"].is_object());
}

#[test]
fn without_a_server_the_remedy_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let output = crosspoint(directory.path(), &["show", "registrations"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output.stderr).contains("crosspoint serve"), "{}", said(&output.stderr));
}
