//! A lingering close: after the last byte is sent, reads and drops what the peer still sends, for a second at most.
//!
//! The system resets a connection that is closed while bytes of the peer are unread. A peer that is reset may throw away what
//! it received and did not read yet: answers that have records on disk.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// Time for a peer to take note of the end, on any network that a sidecar is asked over.
const PATIENCE: Duration = Duration::from_secs(1);

/// A stream that lingers.
#[derive(Debug)]
pub(super) struct LingeringClose<S> {
    stream: S,
    /// Since the last byte was sent.
    patience: Option<Pin<Box<Sleep>>>,
}

impl<S> LingeringClose<S> {
    pub(super) const fn new(stream: S) -> Self {
        Self { stream, patience: None }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for LingeringClose<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for LingeringClose<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, patience } = &mut *self;
        let patience = match patience {
            Some(patience) => patience,
            None => match Pin::new(&mut *stream).poll_shutdown(context) {
                Poll::Ready(Ok(())) => patience.insert(Box::pin(sleep(PATIENCE))),
                other => return other,
            },
        };
        let mut bytes = [0; 4096];
        loop {
            let mut buffer = ReadBuf::new(&mut bytes);
            match Pin::new(&mut *stream).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    // Also a peer that sends without end is heard for a second only.
                    if patience.as_mut().poll(context).is_ready() {
                        return Poll::Ready(Ok(()));
                    }
                }
                // Its end, or its loss.
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => return patience.as_mut().poll(context).map(Ok),
            }
        }
    }
}
