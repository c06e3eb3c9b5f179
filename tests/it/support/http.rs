//! A plain HTTP/1.1 client, over TCP or any other stream.

use super::wait::within;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, StatusCode, body::Bytes, client::conn::http1, header::HeaderMap};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

/// An answer over HTTP.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Reply {
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Sends one request over a connection of its own.
pub async fn request(address: SocketAddr, request: Request<Vec<u8>>) -> Reply {
    request_over(TcpStream::connect(address).await.unwrap(), request).await
}

/// Sends one request over this stream.
#[track_caller]
pub fn request_over<S>(stream: S, request: Request<Vec<u8>>) -> impl Future<Output = Reply>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    within("an answer", reply(stream, request))
}

async fn reply<S>(stream: S, request: Request<Vec<u8>>) -> Reply
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let (mut head, body) = request.into_parts();
    head.headers.entry("host").or_insert("localhost".parse().unwrap());
    let response = sender.send_request(Request::from_parts(head, Full::new(Bytes::from(body)))).await.unwrap();
    let (head, body) = response.into_parts();
    Reply { status: head.status, headers: head.headers, body: body.collect().await.unwrap().to_bytes() }
}
