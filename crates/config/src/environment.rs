//! The environment: `CROSSPOINT_<SECTION>__<KEY>`, and the names that installations bring from elsewhere.

use toml::de::DeValue;

use crate::keys::{Form, KEYS, Key, PREFIX};
use crate::load::{Draft, Source, text_value};
use crate::problem::{Problem, did_you_mean, nearest};

/// Variables of ours that are no configuration keys: the file, and where the command line finds a server.
const RESERVED: &[&str] = &["CROSSPOINT_CONFIG", "CROSSPOINT_URL", "CROSSPOINT_TOKEN"];

/// Prefixes of programs that we replace; their settings have no meaning here.
const IGNORED: &[&str] = &["ASTERISK_AMI_", "KAMAILIO_"];

/// Aliases that set a part of a value: the variable, the key it belongs to.
pub(crate) const PARTIAL: &[(&str, &str)] =
    &[("SIP_PROXY_PORT", "sip.listen"), ("RTP_PORT_MIN", "media.ports"), ("RTP_PORT_MAX", "media.ports")];

/// Reads the environment into the draft: aliases first, so that our own names win.
pub(crate) fn read(environment: &[(String, String)], draft: &mut Draft) {
    let value =
        |name: &str| environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    for key in KEYS {
        for alias in key.aliases {
            if let Some(text) = value(alias) {
                set(key, alias, text, draft);
            }
        }
    }
    for (name, path) in PARTIAL {
        if let (Some(text), Some(key)) = (value(name), KEYS.iter().find(|key| key.path == *path)) {
            set_port(key, name, text, draft);
        }
    }
    for key in KEYS {
        let name = key.variable();
        if let Some(text) = value(&name) {
            set(key, &name, text, draft);
        }
    }
    unknown(environment, draft);
    ignored(environment, draft);
}

fn set(key: &'static Key, name: &str, text: &str, draft: &mut Draft) {
    let source = Source::Environment(name.to_owned());
    match key.form {
        Form::Text => draft.set(key, source, text_value(text), |_| None),
        Form::Number(..) => match DeValue::parse(text.trim()) {
            Ok(value) => draft.set(key, source, value, |_| None),
            Err(_) => draft.set(key, source, text_value(text), |_| None),
        },
        Form::Texts | Form::Tables(_) => match list(key.form, text) {
            Ok(toml) => match DeValue::parse(&toml) {
                Ok(value) => draft.set(key, source, value, |_| None),
                Err(error) => refuse(key, name, error.message().trim().to_owned(), draft),
            },
            Err(message) => refuse(key, name, message, draft),
        },
    }
}

/// A list as TOML text: JSON and TOML lists are taken as they are, a bare text is split at its commas.
fn list(form: Form, text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.starts_with('[') {
        if let Ok(json) = serde_json::from_str::<serde_json::Value>(text)
            && let Ok(value) = toml::Value::try_from(json)
        {
            return Ok(value.to_string());
        }
        return match DeValue::parse(text) {
            Ok(_) => Ok(text.to_owned()),
            Err(_) => Err(format!("expected a {} in JSON or TOML", form.words())),
        };
    }
    if matches!(form, Form::Tables(_)) && !text.is_empty() {
        return Err(format!("expected a {} in JSON or TOML", form.words()));
    }
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    let items = items.map(|item| toml::Value::String(item.to_owned())).collect();
    Ok(toml::Value::Array(items).to_string())
}

/// Sets one port of a value that holds more.
fn set_port(key: &'static Key, name: &str, text: &str, draft: &mut Draft) {
    let Some(port) = text.trim().parse::<u16>().ok().filter(|port| *port > 0) else {
        return refuse(key, name, format!("expected a port from 1 to 65535, found \"{text}\""), draft);
    };
    match name {
        "RTP_PORT_MIN" => draft.config.media.ports.first = port,
        "RTP_PORT_MAX" => draft.config.media.ports.last = port,
        _ => draft.config.sip.listen.iter_mut().for_each(|listen| listen.addr.set_port(port)),
    }
    draft.sources.insert(key.path, Source::Environment(name.to_owned()));
}

/// Variables with our prefix that set nothing: without a section they are refused only when they look like a slip,
/// because other tools around us may use the prefix.
fn unknown(environment: &[(String, String)], draft: &mut Draft) {
    let known: Vec<String> = KEYS.iter().map(Key::variable).collect();
    for (name, _) in environment {
        let Some(rest) = name.strip_prefix(PREFIX) else { continue };
        if known.contains(name) || RESERVED.contains(&name.as_str()) {
            continue;
        }
        let names = || known.iter().map(|name| name.trim_start_matches(PREFIX));
        let slip = nearest(rest, names()).is_some_and(|near| strsim::levenshtein(rest, near) <= 2);
        if rest.contains("__") || slip {
            let near = did_you_mean(rest, names()).replacen('"', &format!("\"{PREFIX}"), 1);
            let place = format!("environment {name}");
            draft.problems.push(Problem { place, key: String::new(), message: format!("unknown key{near}") });
        }
    }
}

fn ignored(environment: &[(String, String)], draft: &mut Draft) {
    let names: Vec<&str> = environment
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| IGNORED.iter().any(|prefix| name.starts_with(prefix)))
        .collect();
    if !names.is_empty() {
        draft.notes.push(format!("ignored, because nothing here uses them: {}", names.join(", ")));
    }
}

fn refuse(key: &Key, name: &str, message: String, draft: &mut Draft) {
    draft.problems.push(Problem { place: format!("environment {name}"), key: key.path.to_owned(), message });
}
