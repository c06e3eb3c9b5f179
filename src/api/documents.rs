//! The descriptions of questions, for who writes a client: the JSON Schema of a question, and the OpenAPI document.
//!
//! `ETag` names the revision of the policies, so a client that has the document asks with `If-None-Match` whether it still
//! holds.

use super::status::{Fault, Reason};
use crate::{
    pdp::{
        Pdp,
        description::{Documents, Unavailable},
    },
    types::authzen::addresses::{OPENAPI, SCHEMA},
};
use axum::{Router, body::Body, extract::State, response::Response, routing};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use std::sync::Arc;

pub(super) fn routes(pdp: &Arc<Pdp>) -> Router {
    let document = |kind: &'static str, part: fn(&Documents) -> &Arc<[u8]>| {
        routing::get(move |State(pdp): State<Arc<Pdp>>, headers: HeaderMap| async move {
            match pdp.documents().await {
                Ok(documents) => found(&documents, part(&documents), kind, &headers),
                Err(why) => missing(why, &headers),
            }
        })
    };
    Router::new()
        .route(SCHEMA, document("application/schema+json", |documents| &documents.schema))
        .route(OPENAPI, document("application/json", |documents| &documents.openapi))
        .with_state(pdp.clone())
}

fn found(documents: &Documents, text: &Arc<[u8]>, kind: &'static str, headers: &HeaderMap) -> Response<Body> {
    let is_known = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|tags| tags.to_str().ok())
        .flat_map(|tags| tags.split(','))
        .any(|tag| matches!(tag.trim(), "*") || tag.trim().trim_start_matches("W/") == documents.tag.as_ref());
    let (status, body) = if is_known {
        (StatusCode::NOT_MODIFIED, Body::empty())
    } else {
        (StatusCode::OK, Body::from(axum::body::Bytes::from_owner(text.clone())))
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    // It may be kept, and whether it still holds is asked each time.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.extend(HeaderValue::from_str(&documents.tag).ok().map(|tag| (header::ETAG, tag)));
    response
}

/// What has no document now may have one later, but for one that is too large.
fn missing(why: Unavailable, headers: &HeaderMap) -> Response<Body> {
    let reason = match why {
        Unavailable::NotReady | Unavailable::Broken => Reason::NotReady,
        Unavailable::TooLarge(_) => Reason::NotFound,
    };
    Fault::new(reason, why.to_string()).response(headers)
}
