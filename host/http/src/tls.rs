//! Whom to trust.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use hygge_core::fault::FaultKind;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::error::HttpError;

/// Trusts the machine's certificates, or those of a file in their place.
pub(crate) fn config(ca_file: Option<&Path>) -> Result<ClientConfig, HttpError> {
    let roots = match ca_file {
        Some(path) => Arc::new(of_file(path)?),
        None => of_machine(),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| bad_setup(format!("TLS cannot be set up: {error}")))?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Read once: a machine has a hundred and more.
fn of_machine() -> Arc<RootCertStore> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let read = || {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Arc::new(roots)
    };
    Arc::clone(ROOTS.get_or_init(read))
}

fn of_file(path: &Path) -> Result<RootCertStore, HttpError> {
    let shown = path.display();
    let text = std::fs::read(path)
        .map_err(|error| bad_setup(format!("cannot read `ca_file` {shown}: {error}")))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate
            .map_err(|error| bad_setup(format!("`ca_file` {shown} is not PEM: {error}")))?;
        roots.add(certificate).map_err(|error| {
            bad_setup(format!("`ca_file` {shown} holds a certificate that is no good: {error}"))
        })?;
    }
    if roots.is_empty() {
        return Err(bad_setup(format!("`ca_file` {shown} holds no certificate in PEM")));
    }
    Ok(roots)
}

fn bad_setup(message: String) -> HttpError {
    HttpError::new(FaultKind::Config, "host.tls", message)
}
