//! The documents that a sidecar serves: made at the first request after a change of the policies, and kept until the next
//! change.
//!
//! No question waits for them: they are made on a thread of their own, one at a time, also if the caller goes away
//! meanwhile.

use super::{TooLarge, describe, json_schema, openapi};
use crate::{
    sources::{snapshot::Snapshot, store::Store},
    types::{build, revision::Revision},
};
use std::sync::Arc;
use tokio::sync::Mutex;

/// The documents of one revision of the policies.
#[derive(Debug, Clone)]
pub struct Documents {
    revision: Revision,
    /// The JSON Schema of a question.
    pub schema: Arc<[u8]>,
    /// The OpenAPI document.
    pub openapi: Arc<[u8]>,
    /// What names them: other policies, or another poort, have another one. It is a quoted `ETag` (RFC 9110, section 8.8.3).
    pub tag: Arc<str>,
}

/// Why there are no documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// No policies are active.
    #[error("no policies are active")]
    NotReady,
    /// They are too large.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// The thread that makes them ended; this is a fault of poort.
    #[error("the description could not be made; this is a fault of poort")]
    Broken,
}

/// Serves the documents of the active policies.
#[derive(Debug, Default)]
pub struct Served(Arc<Mutex<Option<Documents>>>);

impl Served {
    /// The documents of the policies that are active now.
    ///
    /// # Errors
    /// Why there are none.
    pub async fn documents(&self, store: &Store) -> Result<Documents, Unavailable> {
        let snapshot = store.snapshot().ok_or(Unavailable::NotReady)?;
        // Held until the documents are made, also if nobody waits for them any more: no two are made at once.
        let mut made = self.0.clone().lock_owned().await;
        if let Some(documents) = made.as_ref().filter(|made| made.revision == snapshot.policies.revision) {
            return Ok(documents.clone());
        }
        let make = move || {
            let documents = Documents::of(&snapshot)?;
            *made = Some(documents.clone());
            Ok(documents)
        };
        tokio::task::spawn_blocking(make).await.unwrap_or(Err(Unavailable::Broken))
    }
}

impl Documents {
    fn of(snapshot: &Snapshot) -> Result<Self, Unavailable> {
        let description = describe(&snapshot.policies)?;
        let text = |document: serde_json::Value| Arc::from(document.to_string().into_bytes());
        let revision = snapshot.policies.revision.clone();
        Ok(Self {
            schema: text(json_schema(&description)),
            openapi: text(openapi(&description)),
            tag: format!("\"{}-{}\"", revision.digits(), build::VERSION).into(),
            revision,
        })
    }
}
