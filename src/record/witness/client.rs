//! HTTP towards one witness.

use super::wire::Submission;
use crate::record::{
    evidence::Witness,
    shipping::{
        SetupError,
        client::{Client as Pool, Versions, client, innermost},
        config::{Compression, Endpoint, Remote, Tls},
    },
};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use sha2::{Digest as _, Sha256};
use std::{path::PathBuf, time::Duration};
use tonic::body::Body;

/// The most that is read of an answer.
const ANSWER_BYTES: usize = 64 << 10;

/// A witness with its connections.
#[derive(Debug, Clone)]
pub(super) struct Client {
    prefix: String,
    pool: Pool,
    timeout: Duration,
}

/// What a witness answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// Lines of signatures.
    Cosigned(String),
    /// It cosigned a checkpoint of this size last.
    Knows(u64),
    /// The proof does not fit what it cosigned.
    Contradicts,
    /// Anything else: why there is no cosignature.
    Refused(String),
}

impl Client {
    pub(super) fn new(witness: &Witness, ca: Option<PathBuf>, timeout: Duration) -> Result<Self, SetupError> {
        let prefix = witness.url.as_deref().unwrap_or_default().trim_end_matches('/').to_owned();
        let endpoint: Endpoint = prefix.parse().map_err(SetupError::Endpoint)?;
        let tls = Tls { ca, identity: None };
        let remote = Remote { endpoint, tls, headers: Vec::new(), compression: Compression::None };
        Ok(Self { prefix, pool: client(&remote, Versions::Any, timeout)?, timeout })
    }

    /// Submits a checkpoint.
    pub(super) async fn submit(&self, submission: &Submission) -> Answer {
        match self.exchange(Method::POST, "add-checkpoint", submission.to_text()).await {
            Err(why) => Answer::Refused(why),
            Ok((StatusCode::OK, text)) => Answer::Cosigned(text),
            Ok((StatusCode::CONFLICT, text)) => {
                text.trim_end_matches('\n').parse().map_or_else(|_| refused(StatusCode::CONFLICT, &text), Answer::Knows)
            }
            Ok((StatusCode::UNPROCESSABLE_ENTITY, _)) => Answer::Contradicts,
            Ok((StatusCode::NOT_FOUND, _)) => {
                Answer::Refused("it does not know this log: give it the line that `poort log key` prints".to_owned())
            }
            Ok((status, text)) => refused(status, &text),
        }
    }

    /// The checkpoint of a log that it cosigned last. `None` where it tells of none.
    pub(super) async fn latest(&self, origin: &str) -> Option<String> {
        let hash: String = Sha256::digest(origin).iter().map(|byte| format!("{byte:02x}")).collect();
        let answer = self.exchange(Method::GET, &format!("{hash}/checkpoint"), String::new()).await;
        answer.ok().filter(|(status, _)| *status == StatusCode::OK).map(|(_, text)| text)
    }

    /// Asks, and asks once more where that fails: a connection that was kept may be closed in the same moment. A witness
    /// that cosigned at the first attempt says so at the second.
    async fn exchange(&self, method: Method, path: &str, text: String) -> Result<(StatusCode, String), String> {
        let uri: Uri = format!("{}/{path}", self.prefix).parse().map_err(|_| "its address is none".to_owned())?;
        let text = Bytes::from(text);
        let exchange = async {
            match self.attempt(&method, &uri, text.clone()).await {
                Err(_) => self.attempt(&method, &uri, text).await,
                answered => answered,
            }
        };
        tokio::time::timeout(self.timeout, exchange)
            .await
            .unwrap_or_else(|_| Err(format!("it did not answer within {:?}", self.timeout)))
    }

    async fn attempt(&self, method: &Method, uri: &Uri, text: Bytes) -> Result<(StatusCode, String), String> {
        let mut request = Request::new(Body::new(Full::new(text)));
        request.method_mut().clone_from(method);
        request.uri_mut().clone_from(uri);
        let answer = self.pool.request(request).await.map_err(|error| innermost(&error))?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, ANSWER_BYTES).collect().await.map_err(|error| innermost(&*error))?;
        Ok((head.status, String::from_utf8_lossy(&body.to_bytes()).into_owned()))
    }
}

fn refused(status: StatusCode, text: &str) -> Answer {
    Answer::Refused(format!("{status}: {}", text.chars().take(200).collect::<String>().trim_end()))
}
