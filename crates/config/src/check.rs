//! What single values cannot know: that they fit together.

use std::collections::BTreeSet;

use crate::load::Draft;
use crate::sections::Config;
use crate::values::SipTransport;

/// Notes everything that does not fit together.
pub(crate) fn check(draft: &mut Draft) {
    let config = draft.config.clone();
    ports(&config, draft);
    listeners(&config, draft);
    expiry(&config, draft);
    certificate(&config, draft);
    if config.security.digest_algorithms.is_empty() {
        draft.refuse("security.digest_algorithms", "must name at least one algorithm".to_owned());
    }
    if config.data_dir.as_os_str().is_empty() {
        draft.refuse("data_dir", "must not be empty".to_owned());
    }
}

fn ports(config: &Config, draft: &mut Draft) {
    let ports = config.media.ports;
    // Only the two aliases can set the ends one by one.
    if ports.last <= ports.first {
        draft.refuse(
            "media.ports",
            format!("\"{ports}\" holds no pair of ports; the first must be below the last"),
        );
    }
    for listen in config.sip.listen.iter().filter(|listen| listen.transport == SipTransport::Udp) {
        let port = listen.addr.port();
        if (ports.first..=ports.last).contains(&port) {
            let (path, message) = if draft.is_set("sip.listen") {
                ("sip.listen", format!("UDP port {port} lies within media.ports \"{ports}\""))
            } else {
                ("media.ports", format!("\"{ports}\" holds UDP port {port} of sip.listen"))
            };
            draft.refuse(path, message);
        }
    }
}

fn listeners(config: &Config, draft: &mut Draft) {
    if config.sip.listen.is_empty() {
        draft.refuse("sip.listen", "must name at least one address".to_owned());
    }
    if config.http.listen.is_empty() {
        draft
            .refuse("http.listen", "must name at least one address: the command line talks to it".to_owned());
    }
    let mut seen = BTreeSet::new();
    let sip = config.sip.listen.iter().map(|one| ("sip.listen", one.transport, one.addr, one.to_string()));
    let http =
        config.http.listen.iter().map(|one| ("http.listen", SipTransport::Tcp, one.addr, one.to_string()));
    for (path, transport, addr, text) in sip.chain(http) {
        if !seen.insert((transport, addr)) {
            draft.refuse(path, format!("\"{text}\": this address is taken by another listener"));
        }
    }
}

fn expiry(config: &Config, draft: &mut Draft) {
    let (min, max, default) = (config.sip.min_expires, config.sip.max_expires, config.sip.default_expires);
    if min > max {
        let path = if draft.is_set("sip.min_expires") { "sip.min_expires" } else { "sip.max_expires" };
        draft.refuse(path, format!("min_expires ({min}) is above max_expires ({max})"));
    } else if !(min..=max).contains(&default) {
        let set = ["sip.default_expires", "sip.min_expires", "sip.max_expires"];
        let path = set.into_iter().find(|path| draft.is_set(path)).unwrap_or("sip.default_expires");
        draft.refuse(
            path,
            format!("default_expires ({default}) is not between min_expires ({min}) and max_expires ({max})"),
        );
    }
}

fn certificate(config: &Config, draft: &mut Draft) {
    let (certificate, key) = (config.tls.certificate.as_os_str(), config.tls.key.as_os_str());
    if certificate.is_empty() && !key.is_empty() {
        draft.refuse("tls.key", "needs tls.certificate beside it".to_owned());
    }
    if key.is_empty() && !certificate.is_empty() {
        draft.refuse("tls.certificate", "needs tls.key beside it".to_owned());
    }
}
