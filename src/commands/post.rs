//! Posts JSON to a sidecar, for commands that ask one.

use crate::record::shipping::{
    Versions, client,
    config::{Compression, Endpoint, Remote, Tls},
    innermost,
};
use http::{Request, header::CONTENT_TYPE};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use std::{path::PathBuf, time::Duration};
use tonic::body::Body;

/// The most that is read of an answer.
const ANSWER_BYTES: usize = 4 << 20;
/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Gives what it answers.
///
/// # Errors
/// There is no answer, or it is no success. One sentence says why.
pub(super) fn post(url: &str, path: &str, body: Vec<u8>, ca: Option<PathBuf>) -> Result<Vec<u8>, String> {
    let endpoint: Endpoint = url.parse()?;
    let remote =
        Remote { endpoint, tls: Tls { ca, identity: None }, headers: Vec::new(), compression: Compression::None };
    let request =
        Request::post(format!("{}{path}", url.trim_end_matches('/'))).header(CONTENT_TYPE, "application/json");
    let request = request.body(Body::new(Full::new(Bytes::from(body)))).map_err(|error| error.to_string())?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let asked = async {
            let client = client(&remote, Versions::Any, TIMEOUT).map_err(|error| error.to_string())?;
            let answer = client.request(request).await.map_err(|error| innermost(&error))?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, ANSWER_BYTES).collect().await.map_err(|error| innermost(&*error))?.to_bytes();
            match head.status.is_success() {
                true => Ok(body.to_vec()),
                false => Err(format!("{}: {}", head.status, String::from_utf8_lossy(&body).trim_end())),
            }
        };
        let within = tokio::time::timeout(TIMEOUT, asked).await;
        within.unwrap_or_else(|_| Err(format!("no answer within {} s", TIMEOUT.as_secs())))
    })
}
