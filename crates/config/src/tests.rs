//! Tables over the whole of `load`: what is taken, from where, and what is refused with which words.

use crate::{Inputs, Loaded, Source, TextFile, load, reference, schema};

fn inputs(file: &str, environment: &[(&str, &str)]) -> Inputs {
    let file = (!file.is_empty()).then(|| TextFile { path: "crosspoint.toml".into(), text: file.to_owned() });
    let environment =
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Inputs { file, environment, command_line: Vec::new() }
}

fn loaded(file: &str, environment: &[(&str, &str)]) -> Loaded {
    load(&inputs(file, environment)).unwrap_or_else(|error| panic!("{file}{environment:?}:\n{error}"))
}

fn refused(file: &str, environment: &[(&str, &str)]) -> String {
    match load(&inputs(file, environment)) {
        Ok(_) => panic!("accepted: {file}{environment:?}"),
        Err(error) => error.to_string(),
    }
}

/// The shown value and source of a key.
fn setting(loaded: &Loaded, key: &str) -> (String, String) {
    let found = loaded.effective().into_iter().find(|setting| setting.key == key).expect(key);
    (found.value, found.source.to_string())
}

#[test]
fn everything_has_a_default() {
    let loaded = loaded("", &[]);
    let table = [
        ("data_dir", "\"./data\""),
        ("domain", "\"crosspoint.local\""),
        ("admin.password", "\"\""),
        ("network.external_address", "\"auto\""),
        ("network.local_nets", "[\"10.0.0.0/8\", \"172.16.0.0/12\", \"192.168.0.0/16\"]"),
        ("network.peer", "[]"),
        ("sip.listen", "[\"udp://0.0.0.0:5060\", \"tcp://0.0.0.0:5060\"]"),
        ("sip.workers", "0"),
        ("http.listen", "[\"http://0.0.0.0:8080\", \"https://0.0.0.0:8443\"]"),
        ("media.ports", "\"10000-20000\""),
        ("database.url", "\"\""),
        ("log.format", "\"pretty\""),
    ];
    for (key, value) in table {
        assert_eq!(setting(&loaded, key), (value.to_owned(), "default".to_owned()), "{key}");
    }
}

#[test]
fn a_value_of_the_file_is_taken_and_knows_its_line() {
    let table = [
        ("domain = \"pbx.example\"", "domain", "\"pbx.example\"", 1),
        ("\n# a comment\ndata_dir = '/var/lib/crosspoint'", "data_dir", "\"/var/lib/crosspoint\"", 3),
        ("[sip]\nlisten = [\n  \"udp://127.0.0.1:5070\",\n]", "sip.listen", "[\"udp://127.0.0.1:5070\"]", 2),
        ("[sip]\n\nworkers = 2", "sip.workers", "2", 3),
        ("sip.workers = 0x10", "sip.workers", "16", 1),
        ("sip = { workers = 3 }", "sip.workers", "3", 1),
        ("[sip]\nmax_expires = 86_400", "sip.max_expires", "86400", 2),
        ("[network]\nexternal_address = \"203.0.113.9\"", "network.external_address", "\"203.0.113.9\"", 2),
        ("[media]\nports = \"30000-30999\"", "media.ports", "\"30000-30999\"", 2),
        ("[log]\nformat = \"json\"", "log.format", "\"json\"", 2),
        (
            "[[network.peer]]\nnet = \"198.51.100.0/24\"\naddress = \"198.51.100.1\"",
            "network.peer",
            "[{ address = \"198.51.100.1\", net = \"198.51.100.0/24\" }]",
            1,
        ),
    ];
    for (file, key, value, line) in table {
        let loaded = loaded(file, &[]);
        assert_eq!(setting(&loaded, key), (value.to_owned(), format!("crosspoint.toml:{line}")), "{file}");
    }
}

#[test]
fn a_value_of_the_environment_is_above_the_file() {
    let table = [
        ("CROSSPOINT_DOMAIN", "pbx.example", "domain", "\"pbx.example\""),
        ("CROSSPOINT_DATA_DIR", "/srv/x", "data_dir", "\"/srv/x\""),
        ("CROSSPOINT_SIP__LISTEN", "[\"udp://127.0.0.1:5070\"]", "sip.listen", "[\"udp://127.0.0.1:5070\"]"),
        ("CROSSPOINT_SIP__LISTEN", "['tcp://127.0.0.1:5070',]", "sip.listen", "[\"tcp://127.0.0.1:5070\"]"),
        (
            "CROSSPOINT_SIP__LISTEN",
            "udp://127.0.0.1:5070, tcp://127.0.0.1:5070",
            "sip.listen",
            "[\"udp://127.0.0.1:5070\", \"tcp://127.0.0.1:5070\"]",
        ),
        ("CROSSPOINT_NETWORK__LOCAL_NETS", "", "network.local_nets", "[]"),
        ("CROSSPOINT_SIP__WORKERS", " 4 ", "sip.workers", "4"),
        (
            "CROSSPOINT_NETWORK__PEER",
            "[{\"net\":\"198.51.100.0/24\",\"address\":\"198.51.100.1\"}]",
            "network.peer",
            "[{ address = \"198.51.100.1\", net = \"198.51.100.0/24\" }]",
        ),
        (
            "CROSSPOINT_NETWORK__PEER",
            "[{net = '::/0', address = '2001:db8::1'}]",
            "network.peer",
            "[{ address = \"2001:db8::1\", net = \"::/0\" }]",
        ),
        ("CROSSPOINT_ADMIN__PASSWORD", "[\"12\"", "admin.password", "\"***\""),
        ("CROSSPOINT_LOG__LEVEL", "debug", "log.level", "\"debug\""),
    ];
    let file = "domain = \"file.example\"\ndata_dir = \"file\"\n[sip]\nlisten = [\"udp://0.0.0.0:5099\"]\nworkers = 1\n";
    for (name, text, key, value) in table {
        let loaded = loaded(file, &[(name, text)]);
        assert_eq!(setting(&loaded, key), (value.to_owned(), format!("environment {name}")), "{name}={text}");
    }
}

#[test]
fn aliases_set_what_they_stand_for() {
    let table = [
        ("SIP_DOMAIN", "pbx.example", "domain", "\"pbx.example\""),
        ("SIP_PROXY_ADDRESS", "203.0.113.9", "network.external_address", "\"203.0.113.9\""),
        ("SIP_PROXY_PORT", "5080", "sip.listen", "[\"udp://0.0.0.0:5080\", \"tcp://0.0.0.0:5080\"]"),
        ("RTP_PORT_MIN", "19000", "media.ports", "\"19000-20000\""),
        ("RTP_PORT_MAX", "10999", "media.ports", "\"10000-10999\""),
        ("DATABASE_URL", "postgresql://u:p@h/d", "database.url", "\"postgresql://u:***@h/d\""),
        ("JWT_SECRET_KEY", "k", "security.jwt_secret", "\"***\""),
        ("SIP_JWT_SECRET", "k", "security.sip_jwt_secret", "\"***\""),
    ];
    for (name, text, key, value) in table {
        let loaded = loaded("", &[(name, text)]);
        assert_eq!(setting(&loaded, key), (value.to_owned(), format!("environment {name}")), "{name}={text}");
    }
    let both = loaded("", &[("SIP_DOMAIN", "alias.example"), ("CROSSPOINT_DOMAIN", "own.example")]);
    assert_eq!(setting(&both, "domain").0, "\"own.example\"");
    let ports =
        loaded("[media]\nports = \"5000-5001\"", &[("RTP_PORT_MIN", "30000"), ("RTP_PORT_MAX", "30099")]);
    assert_eq!(setting(&ports, "media.ports").0, "\"30000-30099\"");
}

#[test]
fn the_command_line_is_above_everything() {
    let mut inputs = inputs("data_dir = \"file\"", &[("CROSSPOINT_DATA_DIR", "environment")]);
    inputs.command_line.push(("--data-dir", "data_dir", "flag".to_owned()));
    let loaded = load(&inputs).unwrap();
    assert_eq!(loaded.config.data_dir.to_str(), Some("flag"));
    assert_eq!(loaded.source("data_dir"), Source::CommandLine("--data-dir"));
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table, a case every few lines")]
fn what_is_wrong_in_the_file_is_named_with_line_key_and_remedy() {
    let table: &[(&str, &[&str])] = &[
        ("[sip]\nlisen = []", &["crosspoint.toml:2: sip.lisen: unknown key; did you mean \"listen\"?"]),
        ("[sipp]\nlisten = []", &["crosspoint.toml:1: sipp: unknown section; did you mean \"sip\"?"]),
        ("\ndomian = \"x\"", &["crosspoint.toml:2: domian: unknown key; did you mean \"domain\"?"]),
        ("external_address = \"auto\"", &["did you mean \"network.external_address\"?"]),
        ("[log]\nzzz = 1", &["crosspoint.toml:2: log.zzz: unknown key; `crosspoint config show`"]),
        (
            "[turn]\nsecret = \"x\"",
            &["crosspoint.toml:1: turn: this section is not available in this version"],
        ),
        ("sip = 1", &["crosspoint.toml:1: sip: is a section: write [sip]"]),
        (
            "[sip]\nworkers = \"two\"",
            &["crosspoint.toml:2: sip.workers: expected a whole number from 0 to 256, found a text"],
        ),
        (
            "[sip]\nworkers = -1",
            &["crosspoint.toml:2: sip.workers: expected a whole number from 0 to 256, found -1"],
        ),
        (
            "[sip]\nworkers = 99999999999999999999",
            &["crosspoint.toml:2: sip.workers: expected a whole number"],
        ),
        ("domain = 5", &["crosspoint.toml:1: domain: expected a text, found a whole number"]),
        ("[sip]\nlisten = \"udp://0.0.0.0:5060\"", &["sip.listen: expected a list of texts, found a text"]),
        ("[sip]\nlisten = [5060]", &["sip.listen: expected a list of texts, found a whole number in it"]),
        (
            "[sip]\nlisten = [\n  \"udp://0.0.0.0:5060\",\n  \"tls://0.0.0.0:5061\",\n]",
            &["crosspoint.toml:4: sip.listen: tls:// is not available in this version"],
        ),
        (
            "[sip]\nlisten = [\"wss://0.0.0.0:8089\"]",
            &["crosspoint.toml:2: sip.listen: wss:// is not available"],
        ),
        ("[sip]\nlisten = []", &["crosspoint.toml:2: sip.listen: must name at least one address"]),
        ("[log]\nformat = \"xml\"", &["crosspoint.toml:2: log.format: ", "`pretty`", "`json`"]),
        (
            "[[network.peer]]\nnet = \"10.0.0.0/8\"\nadress = \"10.0.0.1\"",
            &["network.peer: unknown key \"adress\"; did you mean \"address\"?"],
        ),
        ("[[network.peer]]\nnet = \"10.0.0.0/8\"", &["crosspoint.toml:1: network.peer: ", "address"]),
        (
            "[[network.peer]]\nnet = \"10.0.0.0/8\"\naddress = \"here\"",
            &["crosspoint.toml:3: network.peer: "],
        ),
        (
            "[network.peer]\nnet = \"10.0.0.0/8\"",
            &["network.peer: expected a list of tables with net and address, found a table"],
        ),
        (
            "[media]\nports = \"5000-6000\"",
            &["crosspoint.toml:2: media.ports: \"5000-6000\" holds UDP port 5060 of sip.listen"],
        ),
        (
            "[sip]\nlisten = [\"udp://0.0.0.0:10002\"]",
            &["crosspoint.toml:2: sip.listen: UDP port 10002 lies within media.ports \"10000-20000\""],
        ),
        (
            "[http]\nlisten = [\"http://0.0.0.0:5060\"]",
            &[
                "crosspoint.toml:2: http.listen: \"http://0.0.0.0:5060\": this address is taken by another listener",
            ],
        ),
        (
            "[sip]\nmin_expires = 9000",
            &["crosspoint.toml:2: sip.min_expires: min_expires (9000) is above max_expires (7200)"],
        ),
        (
            "[sip]\nmax_expires = 600",
            &["crosspoint.toml:2: sip.max_expires: default_expires (3600) is not between"],
        ),
        ("[tls]\ncertificate = \"a.pem\"", &["crosspoint.toml:2: tls.certificate: needs tls.key"]),
        ("[tls]\nkey = \"a.pem\"", &["crosspoint.toml:2: tls.key: needs tls.certificate"]),
        (
            "[security]\ndigest_algorithms = []",
            &["crosspoint.toml:2: security.digest_algorithms: must name at least one algorithm"],
        ),
        ("data_dir = \"\"", &["crosspoint.toml:1: data_dir: must not be empty"]),
        ("[sip]\nworkers = 1\nworkers = 2", &["crosspoint.toml:3: ", "duplicate"]),
        ("[sip\nworkers = 1", &["crosspoint.toml:1: "]),
        (
            "[sip]\nlisen = []\nworkers = \"x\"\n[log]\nlevel = \"loud\"",
            &[
                "crosspoint.toml:2: sip.lisen",
                "\ncrosspoint.toml:3: sip.workers",
                "\ncrosspoint.toml:5: log.level",
            ],
        ),
    ];
    for (file, expected) in table {
        let message = refused(file, &[]);
        for part in *expected {
            assert!(message.contains(part), "{file}\nsaid    {message}\nwithout {part}");
        }
    }
}

#[test]
fn what_is_wrong_in_the_environment_is_named_by_its_variable() {
    let table: &[(&str, &str, &str)] = &[
        (
            "CROSSPOINT_SIP__LISEN",
            "x",
            "environment CROSSPOINT_SIP__LISEN: unknown key; did you mean \"CROSSPOINT_SIP__LISTEN\"?",
        ),
        (
            "CROSSPOINT_DOMIAN",
            "x",
            "environment CROSSPOINT_DOMIAN: unknown key; did you mean \"CROSSPOINT_DOMAIN\"?",
        ),
        (
            "CROSSPOINT_SIP__WORKERS",
            "two",
            "environment CROSSPOINT_SIP__WORKERS: sip.workers: expected a whole number from 0 to 256, found a text",
        ),
        (
            "CROSSPOINT_SIP__WORKERS",
            "",
            "environment CROSSPOINT_SIP__WORKERS: sip.workers: expected a whole number",
        ),
        (
            "CROSSPOINT_SIP__LISTEN",
            "[\"udp://",
            "environment CROSSPOINT_SIP__LISTEN: sip.listen: expected a list of texts in JSON or TOML",
        ),
        (
            "CROSSPOINT_SIP__LISTEN",
            "tls://0.0.0.0:5061",
            "environment CROSSPOINT_SIP__LISTEN: sip.listen: tls:// is not available",
        ),
        (
            "CROSSPOINT_NETWORK__PEER",
            "10.0.0.0/8",
            "environment CROSSPOINT_NETWORK__PEER: network.peer: expected a list of tables",
        ),
        (
            "CROSSPOINT_NETWORK__PEER",
            "[{\"nett\":\"10.0.0.0/8\"}]",
            "unknown key \"nett\"; did you mean \"net\"?",
        ),
        (
            "DATABASE_URL",
            "mysql://root:hunter2@h/d",
            "environment DATABASE_URL: database.url: mysql is not a database we know",
        ),
        (
            "SIP_PROXY_ADDRESS",
            "pbx.example",
            "environment SIP_PROXY_ADDRESS: network.external_address: \"pbx.example\" is neither",
        ),
        (
            "SIP_PROXY_PORT",
            "sip",
            "environment SIP_PROXY_PORT: sip.listen: expected a port from 1 to 65535, found \"sip\"",
        ),
        (
            "RTP_PORT_MIN",
            "30000",
            "environment RTP_PORT_MIN: media.ports: \"30000-20000\" holds no pair of ports",
        ),
    ];
    for (name, text, expected) in table {
        let message = refused("", &[(name, text)]);
        assert!(message.contains(expected), "{name}={text}\nsaid    {message}\nwithout {expected}");
        assert!(!message.contains("hunter2"), "{message}");
    }
}

#[test]
fn names_of_other_programs_are_ignored_with_one_line() {
    let environment = [
        ("ASTERISK_AMI_HOST", "h"),
        ("ASTERISK_AMI_SECRET", "hunter2"),
        ("KAMAILIO_RPC", "x"),
        ("CROSSPOINT_CONFIG", "x.toml"),
        ("CROSSPOINT_BUILD_NUMBER", "12"),
        ("PATH", "/bin"),
    ];
    let notes = loaded("", &environment).notes;
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].ends_with("ASTERISK_AMI_HOST, ASTERISK_AMI_SECRET, KAMAILIO_RPC"), "{notes:?}");
}

#[test]
fn no_secret_is_shown() {
    let file = "[admin]\npassword = \"hunter2\"\n[security]\njwt_secret = \"hunter2\"\nsip_jwt_secret = \"hunter2\"\n\
                [database]\nurl = \"postgres://u:hunter2@h/d\"";
    let loaded = loaded(file, &[]);
    assert_eq!(loaded.config.admin.password.reveal(), Some("hunter2"));
    let shown = format!("{:?} {:?} {loaded:?}", loaded.effective(), loaded.config);
    assert!(!shown.contains("hunter2"), "{shown}");
    assert_eq!(setting(&loaded, "database.url").0, "\"postgres://u:***@h/d\"");
}

#[test]
fn the_schema_has_every_key_and_no_other() {
    let schema = schema();
    let mut in_schema = Vec::new();
    for (name, property) in schema["properties"].as_object().unwrap() {
        assert!(property["description"].as_str().is_some_and(|text| !text.is_empty()), "{name} says nothing");
        match property["properties"].as_object() {
            Some(keys) => {
                assert_eq!(property["additionalProperties"], false, "{name}");
                for (key, property) in keys {
                    assert!(
                        property["description"].as_str().is_some_and(|text| !text.is_empty()),
                        "{name}.{key}"
                    );
                    assert!(property.get("default").is_some(), "{name}.{key} has no default");
                    in_schema.push(format!("{name}.{key}"));
                }
            }
            None => in_schema.push(name.clone()),
        }
    }
    let mut in_table: Vec<String> = crate::keys::KEYS.iter().map(|key| key.path.to_owned()).collect();
    in_schema.sort();
    in_table.sort();
    assert_eq!(in_schema, in_table);
    assert_eq!(schema["properties"]["sip"]["properties"]["workers"]["maximum"], 256);
    assert_eq!(schema["properties"]["sip"]["properties"]["listen"]["default"][0], "udp://0.0.0.0:5060");
}

/// `make docs` writes the page again.
#[test]
fn config_page_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/CONFIG.md");
    let page = reference();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == page, "docs/CONFIG.md is stale: refresh it with `make docs`");
}
