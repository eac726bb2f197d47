//! What `serve` prints when it is ready: everything a newcomer needs at the first start, one line later.

use std::fmt::Write;
use std::path::PathBuf;

/// An account made at the first start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DemoAccount {
    pub(crate) username: &'static str,
    pub(crate) purpose: &'static str,
    pub(crate) password: String,
}

/// What was made at the first start; the passwords exist nowhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Made {
    /// The generated password of `admin`; `None`: it is the configured one.
    pub(crate) admin_password: Option<String>,
    pub(crate) accounts: Vec<DemoAccount>,
}

/// Where the server is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reached {
    /// `http://192.0.2.7:8080`, the one for the examples first.
    pub(crate) api: Vec<String>,
    /// The host part for phones.
    pub(crate) sip_host: String,
    /// `5060 (UDP, TCP)`.
    pub(crate) sip_ports: String,
    /// The port for the example call, if not 5060.
    pub(crate) sip_port: u16,
    pub(crate) data_dir: PathBuf,
    /// How this program was called, for the examples.
    pub(crate) program: String,
}

/// The text of the first start.
pub(crate) fn first(reached: &Reached, made: &Made) -> String {
    let mut text = String::new();
    let api = reached.api.first().cloned().unwrap_or_default();
    let admin = match &made.admin_password {
        Some(password) => format!("admin  password {password}"),
        None => "admin  password as configured (admin.password)".to_owned(),
    };
    let _ = writeln!(
        text,
        "\nCrosspoint {} is ready. First start: the passwords below are shown once.\n",
        env!("CARGO_PKG_VERSION")
    );
    let _ = writeln!(text, "  API       {api}    (reference: {api}/api/docs)");
    for other in reached.api.iter().skip(1) {
        let _ = writeln!(text, "            {other}");
    }
    let _ = writeln!(text, "  admin     {admin}");
    let _ = writeln!(text, "  SIP       {}, port {}", reached.sip_host, reached.sip_ports);
    for account in &made.accounts {
        let _ = writeln!(
            text,
            "  account   {}   password {}   ({})",
            account.username, account.password, account.purpose
        );
    }
    let _ = writeln!(text, "  data      {}\n\nTry next:\n", reached.data_dir.display());
    for (number, (what, command)) in examples(reached, made, &api).into_iter().enumerate() {
        let _ = writeln!(text, "  {}. {what}\n     {command}\n", number + 1);
    }
    text
}

/// The three commands to try, with what they show.
fn examples(reached: &Reached, made: &Made, api: &str) -> [(&'static str, String); 3] {
    let phone = made.accounts.last();
    let username = phone.map_or("6010", |account| account.username);
    let phone_password = phone.map_or("PASSWORD", |account| account.password.as_str());
    let host = if reached.sip_port == 5060 {
        reached.sip_host.clone()
    } else {
        format!("{}:{}", reached.sip_host, reached.sip_port)
    };
    let admin_password = made.admin_password.as_deref().unwrap_or("PASSWORD");
    let data_dir = reached.data_dir.display();
    [
        (
            "Hear yourself: a softphone calls the echo test.",
            format!("baresip -e '/uanew <sip:{username}@{host}>;auth_pass={phone_password}' -e '/dial *43'"),
        ),
        ("See who is registered.", format!("{} show registrations --data-dir {data_dir}", reached.program)),
        (
            "Log in to the API.",
            format!(
                "curl -s {api}/api/auth/login -H 'content-type: application/json' \
                 -d '{{\"username\":\"admin\",\"password\":\"{admin_password}\"}}'"
            ),
        ),
    ]
}

/// The text of every later start.
pub(crate) fn again(reached: &Reached) -> String {
    format!(
        "\nCrosspoint {} is ready at {}; SIP at {}, port {}. Accounts, passwords and history are kept (data in {}).\n",
        env!("CARGO_PKG_VERSION"),
        reached.api.join(" and "),
        reached.sip_host,
        reached.sip_ports,
        reached.data_dir.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached() -> Reached {
        Reached {
            api: vec!["http://192.0.2.7:8080".to_owned(), "https://192.0.2.7:8443".to_owned()],
            sip_host: "192.0.2.7".to_owned(),
            sip_ports: "5060 (UDP, TCP)".to_owned(),
            sip_port: 5060,
            data_dir: "./data".into(),
            program: "crosspoint".to_owned(),
        }
    }

    fn made(admin: Option<&str>) -> Made {
        let account = |username, purpose, password: &str| DemoAccount {
            username,
            purpose,
            password: password.to_owned(),
        };
        let accounts = vec![account("6001", "browser", "pw-6001"), account("6010", "softphone", "pw-6010")];
        Made { admin_password: admin.map(str::to_owned), accounts }
    }

    #[test]
    fn the_first_start_says_all_a_newcomer_needs() {
        let text = first(&reached(), &made(Some("pw-admin")));
        for part in [
            "http://192.0.2.7:8080",
            "https://192.0.2.7:8443",
            "/api/docs",
            "pw-admin",
            "6001   password pw-6001",
            "6010   password pw-6010",
            "(browser)",
            "(softphone)",
            "192.0.2.7, port 5060 (UDP, TCP)",
            "\n  1. ",
            "\n  2. ",
            "\n  3. ",
            "*43",
            "curl -s http://192.0.2.7:8080/api/auth/login",
        ] {
            assert!(text.contains(part), "{part:?} is missing in\n{text}");
        }
        assert!(!text.contains("\n  4. "));
    }

    #[test]
    fn a_configured_password_is_not_repeated() {
        let text = first(&reached(), &made(None));
        assert!(text.contains("as configured"), "{text}");
        assert!(text.contains("\"password\":\"PASSWORD\""), "{text}");
    }

    #[test]
    fn a_port_of_its_own_is_in_the_example_call() {
        let text = first(&Reached { sip_port: 5070, ..reached() }, &made(None));
        assert!(text.contains("<sip:6010@192.0.2.7:5070>;auth_pass=pw-6010"), "{text}");
    }

    #[test]
    fn a_later_start_shows_no_password() {
        let text = again(&reached());
        assert!(text.contains("http://192.0.2.7:8080") && text.contains("kept"), "{text}");
        assert!(!text.contains("password "), "{text}");
    }
}
