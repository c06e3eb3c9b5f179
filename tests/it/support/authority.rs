//! Certificates for tests, as files.

use super::folder;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use std::{fs, path::PathBuf, sync::Arc};
use tokio_rustls::TlsConnector;

/// A certificate authority, with files in a folder.
pub struct Authority {
    /// Where the files lie.
    pub folder: tempfile::TempDir,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, as files.
pub struct Identity {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Authority {
    /// A new one.
    pub fn new() -> Self {
        let folder = folder();
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Of another name than what it signs, or OpenSSL takes that for signed by itself.
        parameters.distinguished_name.push(DnType::CommonName, "an authority of tests");
        fs::write(folder.path().join("ca.pem"), parameters.self_signed(&key).unwrap().pem()).unwrap();
        Self { folder, issuer: Issuer::new(parameters, key) }
    }

    /// Its own certificate.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Makes a certificate for this name. One that was made before for that name is written over.
    pub fn signs(&self, name: &str) -> Identity {
        self.signs_until(name, 2100)
    }

    /// The same, for a certificate that ends when this year begins.
    pub fn signs_until(&self, name: &str, year: i32) -> Identity {
        self.signs_as(name, |parameters| {
            parameters.subject_alt_names = CertificateParams::new(vec![name.to_owned()]).unwrap().subject_alt_names;
            parameters.not_after = rcgen::date_time_ymd(year, 1, 1);
        })
    }

    /// Makes the certificate of a workload with this SPIFFE id, in files of this name.
    pub fn signs_workload(&self, name: &str, id: &str) -> Identity {
        self.signs_as(name, |parameters| workload(parameters, id))
    }

    /// Makes a certificate as `change` has it, in files of this name. It ends when the year 2100 begins.
    pub fn signs_as(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let path = |kind: &str| self.folder.path().join(format!("{name}-{kind}.pem"));
        let identity = Identity { certificate: path("certificate"), key: path("key") };
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.not_after = rcgen::date_time_ymd(2100, 1, 1);
        change(&mut parameters);
        fs::write(&identity.certificate, parameters.signed_by(&key, &self.issuer).unwrap().pem()).unwrap();
        fs::write(&identity.key, key.serialize_pem()).unwrap();
        identity
    }

    /// What a client needs that trusts this authority and shows this identity, if any.
    pub fn client(&self, protocol: &str, identity: Option<&Identity>) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.root()).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some(Identity { certificate, key }) => {
                let chain = vec![CertificateDer::from_pem_file(certificate).unwrap()];
                builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_file(key).unwrap()).unwrap()
            }
        };
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        TlsConnector::from(Arc::new(config))
    }
}

/// What makes a certificate that of a workload: one SPIFFE id, and a key that signs.
pub fn workload(parameters: &mut CertificateParams, id: &str) {
    parameters.subject_alt_names = vec![SanType::URI(id.try_into().unwrap())];
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
}
