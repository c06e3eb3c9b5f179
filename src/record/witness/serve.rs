//! The HTTP of a witness: `POST /add-checkpoint`, and `GET /<SHA-256 of the origin>/checkpoint`.

use super::store::{Refusal, Store};
use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRequest as _, Path, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing,
};
use hyper::server::conn::http1::Builder;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
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
/// How long a connection may take for the head of a request, also between two of them; for its body; and live in all.
const HEAD: Duration = Duration::from_secs(30);
const TEXT: Duration = Duration::from_secs(10);
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
            let mut builder = Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(HEAD);
            // A peer that breaks off has nothing to be told.
            let _ = timeout(LIFE, builder.serve_connection(TokioIo::new(socket), service)).await;
        });
    }
}

async fn add(State(store): State<Arc<Store>>, request: Request) -> Response {
    let text = match timeout(TEXT, String::from_request(request, &())).await {
        Ok(Ok(text)) => text,
        Ok(Err(refused)) => return refused.into_response(),
        Err(_) => return StatusCode::REQUEST_TIMEOUT.into_response(),
    };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::evidence::Key;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpStream,
        time::Instant,
    };

    /// Sends this and nothing more. Returns what is answered until the connection is closed, and how long that takes.
    async fn send(bytes: &[u8]) -> (String, Duration) {
        let folder = tempfile::tempdir().unwrap();
        let logs = folder.path().join("logs.keys");
        std::fs::write(&logs, Key::from_seed([3; 32]).public("poort/here/1")).unwrap();
        let store = Store::open(&folder.path().join("witness"), "witness.example/one", &logs).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        peer.write_all(bytes).await.unwrap();
        let serving = tokio::spawn(serve(listener, Arc::new(store)));
        let (began, mut answer) = (Instant::now(), Vec::new());
        let _ = peer.read_to_end(&mut answer).await;
        serving.abort();
        (String::from_utf8_lossy(&answer).into_owned(), began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_connection_is_closed_long_before_its_life_ends() {
        for (bytes, status) in [
            ("", ""),
            ("POST /add-checkpoint HTTP/1.1\r\nhost: w", ""),
            ("POST /add-checkpoint HTTP/1.1\r\nhost: w\r\ncontent-length: 9\r\n\r\nold", "HTTP/1.1 408"),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ""),
        ] {
            let (answer, took) = send(bytes.as_bytes()).await;
            assert!(answer.starts_with(status), "{bytes}: {answer}");
            assert!(took <= HEAD + TEXT, "{bytes}: {took:?}");
        }
    }
}
