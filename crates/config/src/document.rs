//! The JSON schema and the reference page: made from the sections and the table of keys, never written by hand.

use std::fmt::Write as _;

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::effective::shown;
use crate::environment::PARTIAL;
use crate::keys::{self, Form, KEYS, Key};
use crate::sections::Config;

/// The JSON schema (draft 2020-12) of the configuration file.
#[must_use]
pub fn schema() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    let root = settings.into_generator().into_root_schema_for::<Config>();
    let mut schema = Value::from(root);
    let defaults = Config::default();
    for key in KEYS {
        let Some(property) = property_mut(&mut schema, key) else { continue };
        property.remove("format");
        if let Form::Number(low, high) = key.form {
            property.insert("minimum".to_owned(), json!(low));
            property.insert("maximum".to_owned(), json!(high));
        }
        if let Some(default) = (key.value)(&defaults).and_then(|value| serde_json::to_value(value).ok()) {
            property.insert("default".to_owned(), default);
        }
    }
    for section in keys::sections() {
        if let Some(Value::Object(object)) = schema.pointer_mut(&format!("/properties/{section}")) {
            object.remove("default");
        }
    }
    schema
}

fn property_mut<'a>(schema: &'a mut Value, key: &Key) -> Option<&'a mut serde_json::Map<String, Value>> {
    schema.pointer_mut(&pointer(key))?.as_object_mut()
}

fn pointer(key: &Key) -> String {
    match key.split() {
        ("", name) => format!("/properties/{name}"),
        (section, name) => format!("/properties/{section}/properties/{name}"),
    }
}

/// The reference page, `docs/CONFIG.md`.
#[must_use]
pub fn reference() -> String {
    let schema = schema();
    let defaults = Config::default();
    let mut page = String::from(INTRODUCTION);
    let mut section = "";
    for key in KEYS {
        let (of, _) = key.split();
        if of != section {
            section = of;
            let about = description(&schema, &format!("/properties/{section}"));
            let _ = write!(page, "\n## [{section}]\n\n{about}\n");
        }
        entry(&mut page, &schema, key, &defaults);
    }
    page.push_str(ENDING);
    page
}

fn entry(page: &mut String, schema: &Value, key: &Key, defaults: &Config) {
    let (_, name) = key.split();
    let about = description(schema, &pointer(key));
    let mut variables = vec![format!("`{}`", key.variable())];
    variables.extend(key.aliases.iter().map(|alias| format!("`{alias}`")));
    variables.extend(
        PARTIAL.iter().filter(|(_, path)| *path == key.path).map(|(name, _)| format!("`{name}` (in part)")),
    );
    let _ = write!(
        page,
        "\n### {name}\n\n{about}\n\n- {}, default `{}`\n- environment: {}\n",
        key.form.words(),
        shown(key, defaults),
        variables.join(", ")
    );
}

fn description(schema: &Value, pointer: &str) -> String {
    let text = schema.pointer(pointer).and_then(|property| property.get("description"));
    text.and_then(Value::as_str).unwrap_or_default().to_owned()
}

const INTRODUCTION: &str = "\
# Configuration

<!-- Generated from crates/config; refresh with `make docs`. -->

Every key has a default, so a file is optional. Values are taken, each above the one before, from the defaults, the
file (`--config FILE`, or `CROSSPOINT_CONFIG`, or `./crosspoint.toml` where there is one), the environment, and the
command line (`--data-dir`).

In the environment, key `k` of section `s` is `CROSSPOINT_S__K`; a list is written as JSON or TOML, or as texts with
commas between them: `CROSSPOINT_SIP__LISTEN='[\"udp://127.0.0.1:5070\"]'`.

A wrong value or an unknown key stops the start, with the file and line or the variable, and the nearest valid name.
`crosspoint config check` looks without starting, `crosspoint config show` lists each value and where it came from
(secrets hidden), `crosspoint config schema` prints a JSON schema for editors.

## Top level
";

const ENDING: &str = "
## Variables without effect

Variables that begin with `ASTERISK_AMI_` or `KAMAILIO_` are ignored, with one line in the log.
";
