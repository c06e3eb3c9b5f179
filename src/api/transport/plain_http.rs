//! Plain HTTP on a port with TLS: tells the caller so, where a failed handshake would only close the connection.

use super::lingering_close::LingeringClose;
use std::io;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

const REPLY: &str = concat!(
    "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: 76\r\nConnection: close\r\n\r\n",
    r#""this port takes TLS: call https, or open the gRPC channel with credentials""#
);

/// Whether the first byte is one of an HTTP method, or of the preface of HTTP/2. A handshake begins with 22 (RFC 8446, section
/// 5.1). Takes nothing from the stream.
pub(super) async fn is_spoken(stream: &TcpStream) -> io::Result<bool> {
    let mut first = [0];
    Ok(stream.peek(&mut first).await? == 1 && first[0].is_ascii_uppercase())
}

/// Tells it, and closes the connection.
pub(super) async fn refuse(stream: TcpStream) -> io::Result<()> {
    let mut stream = LingeringClose::new(stream);
    stream.write_all(REPLY.as_bytes()).await?;
    stream.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::REPLY;

    #[test]
    fn the_reply_is_as_long_as_it_says() {
        let (head, body) = REPLY.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{}", body.len());
        serde_json::from_str::<String>(body).unwrap();
    }
}
