//! The HTTP of a witness: `POST /add-checkpoint`, and `GET /<SHA-256 of the origin>/checkpoint`.

use super::store::{Refusal, Store};
use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{net::TcpListener, sync::Semaphore, task::spawn_blocking, time::timeout};

/// The most that a submission may have: a note with a hundred signatures and a full proof are a quarter of it.
const BODY: usize = 64 << 10;
/// How many connections are served at once.
const CONNECTIONS: usize = 256;
/// How long a connection may take for the head of a request, also between two of them, and live in all.
const HEAD: Duration = Duration::from_secs(30);
const LIFE: Duration = Duration::from_secs(600);

/// Answers on this socket until it is dropped.
pub async fn serve(listener: TcpListener, store: Arc<Store>) {
    let router = Router::new()
        .route("/add-checkpoint", routing::post(add))
        .route("/{hash}/checkpoint", routing::get(latest))
        .layer(DefaultBodyLimit::max(BODY))
        .with_state(store);
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    while let Ok(place) = places.clone().acquire_owned().await {
        let socket = match listener.accept().await {
            Ok((socket, _)) => socket,
            Err(error) => {
                tracing::warn!(%error, "A connection cannot be taken.");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(async move {
            let _place = place;
            let mut builder = Builder::new(TokioExecutor::new());
            builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
            // A peer that breaks off has nothing to be told.
            let _ = timeout(LIFE, builder.serve_connection(TokioIo::new(socket), service)).await;
        });
    }
}

async fn add(State(store): State<Arc<Store>>, text: String) -> Response {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let added = spawn_blocking(move || store.add(&text, time)).await;
    match added.unwrap_or_else(|error| Err(Refusal::Failed(error.to_string()))) {
        Ok(line) => line.into_response(),
        Err(Refusal::Conflict(size)) => {
            (StatusCode::CONFLICT, [(header::CONTENT_TYPE, "text/x.tlog.size")], format!("{size}\n")).into_response()
        }
        Err(Refusal::Malformed(why)) => (StatusCode::BAD_REQUEST, format!("{why}\n")).into_response(),
        Err(Refusal::Unsigned(why)) => (StatusCode::FORBIDDEN, format!("{why}\n")).into_response(),
        Err(Refusal::UnknownLog) => (StatusCode::NOT_FOUND, "this log is not known here\n").into_response(),
        Err(Refusal::Contradiction) => {
            (StatusCode::UNPROCESSABLE_ENTITY, "it does not continue what was cosigned\n").into_response()
        }
        Err(Refusal::Failed(error)) => {
            tracing::error!(%error, "A checkpoint cannot be cosigned.");
            (StatusCode::INTERNAL_SERVER_ERROR, "the witness failed\n").into_response()
        }
    }
}

async fn latest(State(store): State<Arc<Store>>, Path(hash): Path<String>) -> Response {
    match spawn_blocking(move || store.latest(&hash)).await {
        Ok(Ok(Some(note))) => note.into_response(),
        Ok(Ok(None)) => StatusCode::NOT_FOUND.into_response(),
        _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
