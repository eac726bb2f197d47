//! The certificate of the https listeners: the operator's files, or a self-signed one made at the first start.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use config::{Config, ExternalAddress};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::secrets::write_private;

/// The files of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Files {
    /// The chain, PEM.
    pub(crate) certificate: PathBuf,
    /// The private key, PEM.
    pub(crate) key: PathBuf,
    /// Whether we make them ourselves.
    pub(crate) self_signed: bool,
}

/// Where the certificate is, or will be.
pub(crate) fn files(config: &Config) -> Files {
    if config.tls.certificate.as_os_str().is_empty() {
        let folder = config.data_dir.join("tls");
        let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
        return Files { certificate, key, self_signed: true };
    }
    Files { certificate: config.tls.certificate.clone(), key: config.tls.key.clone(), self_signed: false }
}

/// The TLS settings of the https listeners; makes the self-signed certificate where it is missing.
///
/// # Errors
/// When a file cannot be read or written, or certificate and key do not belong together.
pub(crate) fn server_config(config: &Config) -> anyhow::Result<Arc<ServerConfig>> {
    let files = files(config);
    if files.self_signed && !(files.certificate.exists() && files.key.exists()) {
        make(&files, config)?;
    }
    load(&files)
}

/// Reads certificate and key, and proves that they belong together.
///
/// # Errors
/// Names the file and what is wrong with it.
pub(crate) fn load(files: &Files) -> anyhow::Result<Arc<ServerConfig>> {
    let (certificate, key) = (files.certificate.display(), files.key.display());
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.certificate)
        .with_context(|| format!("cannot read the certificate {certificate}"))?
        .collect::<Result<_, _>>()
        .with_context(|| format!("{certificate} is not a certificate in PEM form"))?;
    if chain.is_empty() {
        bail!("{certificate} holds no certificate in PEM form");
    }
    let private = PrivateKeyDer::from_pem_file(&files.key)
        .with_context(|| format!("cannot read the private key {key}"))?;
    ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map(Arc::new)
        .with_context(|| format!("{certificate} and {key} do not belong together"))
}

fn make(files: &Files, config: &Config) -> anyhow::Result<()> {
    let key = rcgen::KeyPair::generate().context("cannot generate a key")?;
    let mut parameters = rcgen::CertificateParams::new(names(config)).context("cannot make a certificate")?;
    parameters.distinguished_name.push(rcgen::DnType::CommonName, config.domain.as_str());
    let certificate = parameters.self_signed(&key).context("cannot sign the certificate")?;
    if let Some(folder) = files.certificate.parent() {
        super::data_dir::prepare(folder)?;
    }
    write_private(&files.key, key.serialize_pem().as_bytes())?;
    write_private(&files.certificate, certificate.pem().as_bytes())?;
    tracing::info!(file = %files.certificate.display(), "made a self-signed certificate");
    Ok(())
}

/// Every name and address a browser on this machine or beside it may use.
fn names(config: &Config) -> Vec<String> {
    let mut names: BTreeSet<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    names.insert(config.domain.as_str().to_owned());
    let mut addresses: Vec<IpAddr> = config.network.peer.iter().map(|peer| peer.address).collect();
    addresses.extend(
        config.http.listen.iter().map(|listen| listen.addr.ip()).filter(|address| !address.is_unspecified()),
    );
    addresses.extend(outwards());
    if let ExternalAddress::Fixed(address) = config.network.external_address {
        addresses.push(address);
    }
    names.extend(addresses.iter().map(ToString::to_string));
    names.into_iter().collect()
}

/// Our address on the way to the rest of the world, if there is one.
fn outwards() -> Option<IpAddr> {
    crate::address::route_towards(crate::address::SOMEWHERE)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn config(file: &str, data_dir: &Path) -> Config {
        let file = config::TextFile { path: "test.toml".into(), text: file.to_owned() };
        let mut inputs = config::Inputs { file: Some(file), ..config::Inputs::default() };
        inputs.command_line.push(("--data-dir", "data_dir", data_dir.display().to_string()));
        config::load(&inputs).unwrap().config
    }

    fn install_provider() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    }

    #[test]
    fn a_self_signed_certificate_is_made_once() {
        install_provider();
        let dir = tempfile::tempdir().unwrap();
        let config = config("domain = \"pbx.example\"", dir.path());
        server_config(&config).unwrap();
        let files = files(&config);
        let first = std::fs::read(&files.certificate).unwrap();
        server_config(&config).unwrap();
        assert_eq!(std::fs::read(&files.certificate).unwrap(), first);
        assert_eq!(std::fs::metadata(&files.key).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn it_bears_the_names_it_is_reached_by() {
        let dir = tempfile::tempdir().unwrap();
        let text = "domain = \"pbx.example\"\n[network]\nexternal_address = \"203.0.113.9\"";
        let names = names(&config(text, dir.path()));
        for name in ["pbx.example", "localhost", "127.0.0.1", "203.0.113.9"] {
            assert!(names.iter().any(|known| known == name), "{name} in {names:?}");
        }
    }

    #[test]
    fn wrong_files_are_named() {
        install_provider();
        let dir = tempfile::tempdir().unwrap();
        let (certificate, key) = (dir.path().join("c.pem"), dir.path().join("k.pem"));
        let files = Files { certificate: certificate.clone(), key: key.clone(), self_signed: false };
        let said = |files: &Files| format!("{:#}", load(files).unwrap_err());
        assert!(said(&files).contains("cannot read the certificate"));
        std::fs::write(&certificate, "nothing").unwrap();
        assert!(said(&files).contains("holds no certificate"), "{}", said(&files));
        let made = |name: &str| rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let (one, other) = (made("a.example"), made("b.example"));
        std::fs::write(&certificate, one.cert.pem()).unwrap();
        assert!(said(&files).contains("cannot read the private key"), "{}", said(&files));
        std::fs::write(&key, other.signing_key.serialize_pem()).unwrap();
        assert!(said(&files).contains("do not belong together"), "{}", said(&files));
        std::fs::write(&key, one.signing_key.serialize_pem()).unwrap();
        load(&files).unwrap();
    }
}
