//! HTTP and TLS towards a receiver. One TLS for all sinks: rustls with ring.

use super::{
    super::config::{Identity, Remote, Tls},
    SetupError,
};
use http::{HeaderMap, HeaderValue};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client as Pool, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use std::{path::Path, sync::Arc, time::Duration};
use tonic::body::Body;

/// A client with its connections.
pub(in crate::record) type Client = Pool<HttpsConnector<HttpConnector>, Body>;

/// Which versions of HTTP the receiver speaks.
#[derive(Debug, Clone, Copy)]
pub enum Versions {
    /// HTTP/2 alone, as gRPC asks.
    Two,
    /// HTTP/1.1, or HTTP/2 if the receiver offers it in the TLS handshake.
    Any,
}

/// Makes a client from the files as they are now.
///
/// # Errors
/// A file cannot be used.
pub fn client(remote: &Remote, versions: Versions, timeout: Duration) -> Result<Client, SetupError> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_connect_timeout(Some(timeout));
    tcp.set_nodelay(true);
    let tls = match remote.endpoint.scheme() {
        "https" => config(&remote.tls)?,
        // It is never used. The connector asks for one.
        _ => builder()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth(),
    };
    let builder = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
    let connector = match versions {
        Versions::Two => builder.enable_http2().wrap_connector(tcp),
        Versions::Any => builder.enable_all_versions().wrap_connector(tcp),
    };
    let mut pool = Pool::builder(TokioExecutor::new());
    pool.pool_timer(TokioTimer::new());
    pool.timer(TokioTimer::new());
    pool.http2_only(matches!(versions, Versions::Two));
    Ok(pool.build(connector))
}

/// TLS towards a receiver, from the files as they are now.
pub(super) fn config(tls: &Tls) -> Result<ClientConfig, SetupError> {
    let mut roots = RootCertStore::empty();
    match &tls.ca {
        Some(path) => {
            for certificate in certificates(path)? {
                roots.add(certificate).map_err(|error| SetupError::file(path)(&error))?;
            }
        }
        None => {
            let found = rustls_native_certs::load_native_certs();
            let (added, _) = roots.add_parsable_certificates(found.certs);
            if added == 0 {
                return Err(SetupError::Tls("the system has no root certificates; set tls.ca".to_owned()));
            }
        }
    }
    let builder = builder()?.with_root_certificates(roots);
    match &tls.identity {
        None => Ok(builder.with_no_client_auth()),
        Some(Identity { certificate, key }) => {
            let chain = certificates(certificate)?;
            let key = PrivateKeyDer::from_pem_file(key).map_err(|error| SetupError::file(key)(&error))?;
            builder.with_client_auth_cert(chain, key).map_err(|error| SetupError::Tls(error.to_string()))
        }
    }
}

fn builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, SetupError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    builder.map_err(|error| SetupError::Tls(error.to_string()))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let read = read.map_err(|error| SetupError::file(path)(&error))?;
    if read.is_empty() {
        return Err(SetupError::file(path)(&"holds no certificate"));
    }
    Ok(read)
}

/// The headers of a request, from the files as they are now.
pub(super) fn headers(remote: &Remote) -> Result<HeaderMap, SetupError> {
    let mut headers = HeaderMap::new();
    for (name, path) in &remote.headers {
        let text = std::fs::read_to_string(path).map_err(|error| SetupError::file(path)(&error))?;
        // The text is not repeated: it is a secret.
        let mut value = HeaderValue::from_str(text.trim())
            .map_err(|_| SetupError::file(path)(&"does not hold a header value: one line of visible characters"))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

/// The innermost cause: the outer errors only say that something failed.
#[must_use]
pub fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
