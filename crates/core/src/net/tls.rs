//! Certificates, keys and whom to trust.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    ClientConfig, DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme,
};

use super::options::{ConnectOptions, Endpoint, TlsOptions};
use crate::{Error, Result};

/// What a TLS handshake needs, read from files once for all attempts to connect.
#[derive(Debug, Clone)]
pub(super) struct TlsSetup {
    pub(super) config: Arc<ClientConfig>,
    pub(super) name: ServerName<'static>,
}

impl TlsSetup {
    /// Nothing when TLS is not wanted.
    pub(super) fn new(options: &ConnectOptions) -> Result<Option<Self>> {
        let Some(tls) = &options.tls else {
            return Ok(None);
        };
        Ok(Some(Self {
            name: server_name(tls, &options.endpoint)?,
            config: Arc::new(config(tls)?),
        }))
    }
}

fn server_name(tls: &TlsOptions, endpoint: &Endpoint) -> Result<ServerName<'static>> {
    let name = match (&tls.server_name, endpoint) {
        (Some(name), _) => name.as_str(),
        (None, Endpoint::Tcp { host, .. }) => host.as_str(),
        (None, Endpoint::Unix { .. }) => "localhost",
    };
    ServerName::try_from(name.to_owned()).map_err(|_| {
        Error::option(format!(
            "«{name}» cannot stand in a TLS certificate; give the certificate's name as server_name"
        ))
    })
}

fn config(tls: &TlsOptions) -> Result<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let roots = roots(tls.ca_file.as_deref())?;
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::option(format!("TLS: {e}")))?;
    let builder = match tls.check_hostname {
        true => builder.with_root_certificates(roots),
        false => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(ChainOnly { roots, provider })),
    };
    match (&tls.cert_file, &tls.key_file) {
        (Some(cert), Some(key)) => {
            let (chain, private) = (certificates(cert, "cert_file")?, private_key(key)?);
            builder.with_client_auth_cert(chain, private).map_err(|e| {
                let (cert, key) = (cert.display(), key.display());
                Error::option(format!(
                    "cert_file {cert} and key_file {key} cannot be used together: {e}"
                ))
            })
        }
        (None, None) => Ok(builder.with_no_client_auth()),
        _ => Err(Error::option(
            "cert_file and key_file belong together: give both",
        )),
    }
}

fn roots(ca_file: Option<&Path>) -> Result<RootCertStore> {
    let Some(path) = ca_file else {
        return system_roots();
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path, "ca_file")? {
        let added = roots.add(certificate);
        added.map_err(|e| Error::option(format!("ca_file {}: {e}", path.display())))?;
    }
    Ok(roots)
}

fn system_roots() -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    // Systems ship some that rustls does not take; the others do.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(Error::option(
            "this system has no TLS authorities to trust; give ca_file",
        ));
    }
    Ok(roots)
}

fn certificates(path: &Path, option: &str) -> Result<Vec<CertificateDer<'static>>> {
    let read = || CertificateDer::pem_file_iter(path)?.collect::<std::result::Result<Vec<_>, _>>();
    match read() {
        Ok(found) if found.is_empty() => Err(bad_file(option, path, &PemError::NoItemsFound)),
        Ok(found) => Ok(found),
        Err(error) => Err(bad_file(option, path, &error)),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_file(path).map_err(|e| bad_file("key_file", path, &e))
}

fn bad_file(option: &str, path: &Path, error: &PemError) -> Error {
    let wanted = match option {
        "key_file" => "a private key in PEM, without a pass phrase",
        _ => "certificates in PEM",
    };
    let path = path.display();
    // The content of a key is never shown, not even a line that does not parse.
    let reason = match error {
        PemError::Io(error) => error.to_string(),
        PemError::NoItemsFound => "there is none in it".to_owned(),
        _ => "it is damaged".to_owned(),
    };
    Error::option(format!("{option} {path} must hold {wanted}: {reason}"))
}

/// Verifies the chain and the signatures, and not the name: what `check_hostname=False` asks for.
#[derive(Debug)]
struct ChainOnly {
    roots: RootCertStore,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for ChainOnly {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, TlsError> {
        let algorithms = self.provider.signature_verification_algorithms.all;
        let certificate = ParsedCertificate::try_from(end_entity)?;
        verify_server_cert_signed_by_trust_anchor(
            &certificate,
            &self.roots,
            intermediates,
            now,
            algorithms,
        )
        .map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}
