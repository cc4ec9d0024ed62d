//! Transport security: rustls, as everywhere in jagad.

use crate::certificates;
use crate::engine::{EngineError, TlsMode, TlsSettings};
use crate::model::help;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsConnector;

/// Makes secured connections in the way `tls` demands; its mode is at least `require`.
pub(super) fn connector(tls: &TlsSettings) -> Result<TlsConnector, EngineError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(format!("TLS cannot be set up: {error}")))?;
    let verifier: Arc<dyn ServerCertVerifier> = match tls.mode {
        TlsMode::Disable | TlsMode::Prefer | TlsMode::Require => {
            Arc::new(AnyServerName { provider, authorities: None })
        }
        TlsMode::VerifyCa => {
            let authorities = authorities(tls, &provider)?;
            Arc::new(AnyServerName { provider, authorities: Some(authorities) })
        }
        TlsMode::VerifyFull => authorities(tls, &provider)?,
    };
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
    let config = match (&tls.cert, &tls.key) {
        (Some(cert), Some(key)) => builder
            .with_client_auth_cert(certificates::read(cert).map_err(wrong)?, private_key(key)?)
            .map_err(|error| wrong(format!("`tls.cert` and `tls.key` do not match: {error}")))?,
        (None, None) => builder.with_no_client_auth(),
        _ => return Err(wrong("`tls.cert` and `tls.key` must be set together".to_owned())),
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

fn authorities(
    tls: &TlsSettings,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, EngineError> {
    let mut roots = RootCertStore::empty();
    let found = match &tls.ca {
        Some(path) => certificates::read(path).map_err(wrong)?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    roots.add_parsable_certificates(found);
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build().map_err(|_| {
        EngineError::Prerequisite {
            problem: "no trusted certificate authority was found".to_owned(),
            help: help!("Name the authority's PEM file in `tls.ca`."),
        }
    })
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, EngineError> {
    PrivateKeyDer::from_pem_file(path)
        .map_err(|error| wrong(format!("`{}` cannot be read: {error}", path.display())))
}

fn wrong(problem: String) -> EngineError {
    EngineError::Prerequisite { problem, help: help!("Correct `tls` of the database entry.") }
}

/// Trusts any certificate, or any of the authorities whatever its name: what `require` and `verify-ca` mean in libpq too.
/// That the server holds the certificate's key is proven in every case.
#[derive(Debug)]
struct AnyServerName {
    provider: Arc<CryptoProvider>,
    authorities: Option<Arc<WebPkiServerVerifier>>,
}

impl ServerCertVerifier for AnyServerName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(authorities) = &self.authorities else { return Ok(ServerCertVerified::assertion()) };
        match authorities.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
