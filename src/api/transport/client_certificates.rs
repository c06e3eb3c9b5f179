//! Verifies callers' certificates: an X509-SVID by the roots of its own trust domain, any other by `tls.client_ca`.
//!
//! **Invariant:** the roots are chosen by the id that the certificate holds before anything is verified, so the authority of one
//! trust domain cannot make ids of another (X509-SVID, section 5.2). What the signatures prove is for rustls.

use crate::pdp::callers::{Leaf, Named};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    pki_types::{CertificateDer, UnixTime},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};
use std::{collections::BTreeMap, sync::Arc};

/// The authorities that callers' certificates may be from. There is at least one.
#[derive(Debug)]
pub(super) struct ClientCertificates {
    domains: BTreeMap<String, Arc<dyn ClientCertVerifier>>,
    others: Option<Arc<dyn ClientCertVerifier>>,
    subjects: Vec<DistinguishedName>,
    schemes: Arc<dyn ClientCertVerifier>,
}

impl ClientCertificates {
    /// Those of trust domains by their names, and that of all other certificates. `None` if there are none.
    pub(super) fn new(
        domains: BTreeMap<String, Arc<dyn ClientCertVerifier>>,
        others: Option<Arc<dyn ClientCertVerifier>>,
    ) -> Option<Self> {
        let all = || domains.values().chain(&others);
        let subjects = all().flat_map(|verifier| verifier.root_hint_subjects()).cloned().collect();
        // They differ in their roots alone.
        let schemes = all().next()?.clone();
        Some(Self { domains, others, subjects, schemes })
    }

    /// Who verifies a certificate. Without trust domains a SPIFFE id is a name as any other.
    fn verifier(&self, leaf: &Leaf) -> Result<&Arc<dyn ClientCertVerifier>, Error> {
        let unknown = Error::InvalidCertificate(CertificateError::UnknownIssuer);
        match &leaf.named {
            Named::Workload(id) if !self.domains.is_empty() => self.domains.get(id.trust_domain()).ok_or(unknown),
            Named::Workload(_) | Named::Hosts(_) => self.others.as_ref().ok_or(unknown),
        }
    }
}

impl ClientCertVerifier for ClientCertificates {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.subjects
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let leaf = Leaf::read(end_entity).map_err(|nameless| {
            tracing::debug!(%nameless, "A caller's certificate is refused.");
            Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)
        })?;
        self.verifier(&leaf)?.verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.schemes.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.schemes.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.supported_verify_schemes()
    }
}
