//! Pushes Security Event Tokens to a receiver of the Shared Signals Framework, over HTTP (RFC 8935): one token a request.

use super::{
    super::{
        config::Push,
        outgoing::Outgoing,
        reply::{Reason, Reply, SendOutcome, Trouble},
    },
    SetupError, Sink,
    client::{Client, Versions, client, headers, innermost},
    http::{ANSWER_BYTES, retry_after},
    set::Signer,
};
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use serde::Deserialize;
use std::time::Duration;
use tonic::body::Body;

/// A receiver of tokens.
#[derive(Debug)]
pub(in super::super) struct SsfPush {
    to: Push,
    timeout: Duration,
    /// Made when something is sent, so that a new key is taken.
    open: Option<(Client, Signer)>,
}

impl SsfPush {
    pub(super) fn new(to: Push, timeout: Duration) -> Result<Self, SetupError> {
        let mut sink = Self { to, timeout, open: None };
        headers(&sink.to.remote)?;
        sink.open()?;
        Ok(sink)
    }

    fn open(&mut self) -> Result<&(Client, Signer), SetupError> {
        let opened = match self.open.take() {
            Some(opened) => opened,
            None => (client(&self.to.remote, Versions::Any, self.timeout)?, Signer::new(&self.to)?),
        };
        Ok(self.open.insert(opened))
    }

    /// Sends the token of one record, if it has one.
    async fn push(&mut self, one: &Outgoing) -> Result<(), Trouble> {
        let remote = self.to.remote.clone();
        let hold = |error: SetupError| Trouble::new(Reply::Hold, error.to_string());
        let (client, signer) = self.open().map_err(hold)?;
        let Some(document) = one.documents().first() else { return Ok(()) };
        let token = signer.token(&one.record, &one.key(document));
        let Some(token) = token.map_err(|why| Trouble::new(Reply::Refused, why))? else { return Ok(()) };
        let mut request = Request::new(Body::new(Full::new(Bytes::from(token))));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = remote.endpoint.uri().clone();
        *request.headers_mut() = headers(&remote).map_err(hold)?;
        request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/secevent+jwt"));
        request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let transport = |why: String| Trouble::retry(Reason::Transport, why);
        let answer = client.request(request).await.map_err(|error| transport(innermost(&error)))?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, ANSWER_BYTES).collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        judge(head.status, &head.headers, &body)
    }
}

impl Sink for SsfPush {
    async fn send(&mut self, batch: &[Outgoing]) -> SendOutcome {
        for (taken, one) in batch.iter().enumerate() {
            if let Err(trouble) = self.push(one).await {
                return SendOutcome { taken, trouble: Some(trouble) };
            }
        }
        SendOutcome::all(batch.len())
    }

    fn reset(&mut self) {
        self.open = None;
    }
}

/// What an answer says (RFC 8935, sections 2.2 to 2.4).
pub(super) fn judge(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Result<(), Trouble> {
    #[derive(Default, Deserialize)]
    struct Failure {
        err: String,
        #[serde(default)]
        description: String,
    }
    let Failure { err, description } = serde_json::from_slice(body).unwrap_or_default();
    let verdict = match status {
        StatusCode::ACCEPTED => return Ok(()),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
            Reply::Retry { reason: Reason::Unavailable, wait: retry_after(headers) }
        }
        _ if status.is_server_error() => Reply::Retry { reason: Reason::Unavailable, wait: retry_after(headers) },
        // The token is at fault. The other codes of the registry say that key, issuer, audience or credentials are.
        StatusCode::BAD_REQUEST if err == "invalid_request" => Reply::Refused,
        _ => Reply::Hold,
    };
    let words: String =
        [err, description].into_iter().filter(|words| !words.is_empty()).map(|words| format!(": {words}")).collect();
    Err(Trouble::new(verdict, format!("{status}{words}")))
}
