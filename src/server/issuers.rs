//! Issuers' keys: reads each key set again once in a while, and soon after a token names a key that is not there.
//!
//! A flood of tokens with unknown keys makes no more than one reading in each [`COOL_DOWN`].

use crate::{
    pdp::callers::{
        Callers,
        token::{Issuer, Jwks, LARGEST_JWKS, Unusable},
    },
    types::problem::open_regular,
};
use futures_util::future::join_all;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use std::{
    error::Error,
    io::{self, Read as _},
    path::Path,
    sync::Arc,
    time::Duration,
};
use tokio::{
    task::{JoinHandle, spawn_blocking},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

/// How often a file is read, which costs next to nothing; a URL, since providers publish a key long before it signs; and what
/// could not be read.
const EACH_FILE: Duration = Duration::from_secs(10);
const EACH_URL: Duration = Duration::from_secs(300);
const AGAIN: Duration = Duration::from_secs(10);

/// How soon keys are read again at most.
const COOL_DOWN: Duration = Duration::from_secs(10);

/// How long one reading may take.
const PATIENCE: Duration = Duration::from_secs(5);

type Failed = Box<dyn Error + Send + Sync>;

/// Reads the keys of all issuers, and again until `stopping`. A provider that cannot be reached keeps nothing from starting.
pub(super) async fn read(callers: Option<Arc<Callers>>, stopping: CancellationToken) -> Option<JoinHandle<()>> {
    let callers = callers?;
    let first = join_all(callers.tokens().issuers().iter().map(|issuer| take(issuer, None))).await;
    Some(tokio::spawn(async move {
        let issuers = callers.tokens().issuers().iter().zip(first);
        tokio::select! {
            _ = join_all(issuers.map(|(issuer, told)| follow(issuer, told))) => {}
            () = stopping.cancelled() => {}
        }
    }))
}

async fn follow(issuer: &Issuer, mut told: Option<String>) {
    loop {
        let each = match issuer.config.jwks {
            _ if told.is_some() => AGAIN,
            Jwks::File(_) => EACH_FILE,
            Jwks::Url(_) => EACH_URL,
        };
        sleep(COOL_DOWN).await;
        tokio::select! {
            () = sleep(each.saturating_sub(COOL_DOWN)) => {}
            () = issuer.wanted() => {}
        }
        told = take(issuer, told).await;
    }
}

/// Reads the keys once. Gives what was told of why they cannot be used, so that it is told once.
async fn take(issuer: &Issuer, told: Option<String>) -> Option<String> {
    let read = timeout(PATIENCE, read_one(&issuer.config.jwks)).await;
    let read = read.unwrap_or_else(|_| Err(format!("nothing came within {PATIENCE:?}").into()));
    let error = match read.and_then(|jwks| Ok(issuer.take(&jwks)?)) {
        Ok(false) => return None,
        Ok(true) => {
            info!(issuer = issuer.name, "The issuer's keys were read.");
            return None;
        }
        Err(error) => error,
    };
    issuer.count_failure();
    let why = format!("issuers.{}.jwks: {error}", issuer.name);
    if told.as_ref() != Some(&why) {
        let before = match error.downcast_ref() {
            Some(Unusable::NoKey) => "those that were read before are withdrawn",
            _ => "those that were read before verify for an hour at most",
        };
        error!("The issuer's keys cannot be used; {before}. {why}");
    }
    Some(why)
}

async fn read_one(jwks: &Jwks) -> Result<Vec<u8>, Failed> {
    match jwks {
        Jwks::File(path) => {
            let read = spawn_blocking({
                let path = path.clone();
                move || read_file(&path)
            });
            read.await?.map_err(|error| format!("`{}`: {error}", path.display()).into())
        }
        Jwks::Url(url) => read_url(url).await.map_err(|error| format!("{url}: {}", innermost(error.as_ref())).into()),
    }
}

/// One byte more than a set may have is enough to see that it is too large.
fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut read = Vec::new();
    open_regular(path)?.0.take(LARGEST_JWKS as u64 + 1).read_to_end(&mut read)?;
    Ok(read)
}

/// A client for each reading: they are rare, and the roots are those of now. No redirect is followed.
async fn read_url(url: &http::Uri) -> Result<Vec<u8>, Failed> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let tls = tls.with_safe_default_protocol_versions()?.with_root_certificates(roots).with_no_client_auth();
    let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_only().enable_http1().build();
    let answer = Client::builder(TokioExecutor::new()).build::<_, Empty<Bytes>>(connector).get(url.clone()).await?;
    if answer.status() != http::StatusCode::OK {
        return Err(format!("the answer is {}", answer.status()).into());
    }
    Ok(Limited::new(answer.into_body(), LARGEST_JWKS).collect().await?.to_bytes().into())
}

/// The innermost cause: the outer errors only say that something failed.
fn innermost(error: &dyn Error) -> String {
    error.source().map_or_else(|| error.to_string(), innermost)
}
