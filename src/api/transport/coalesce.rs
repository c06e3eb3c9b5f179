//! Coalesces writes: delays each write by one scheduler turn, so that many answers share a system call.
//!
//! One commit of the decision log answers many calls at once, each in a task of its own. The first task wakes its connection,
//! which would write that one answer before the others ran. So a write first lets the tasks that are ready run, once, and then
//! takes all that they left. There is no timer: where nothing else is ready, it goes on at once.
//!
//! It gains a third under load, and costs a tenth where one call follows another (`docs/benchmarks.md`, "What single measures
//! gain"). Delete it if tonic or hyper ever flush once for all answers of a turn.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream that gathers what it writes.
#[derive(Debug)]
pub(super) struct CoalescedWrites<S> {
    stream: S,
    /// Others had their turn since the last write.
    has_waited: bool,
}

impl<S> CoalescedWrites<S> {
    pub(super) const fn new(stream: S) -> Self {
        Self { stream, has_waited: false }
    }

    /// Whether to write now. If not, the task comes again behind those that are ready.
    fn is_time(&mut self, context: &Context<'_>) -> bool {
        self.has_waited = !self.has_waited;
        if self.has_waited {
            context.waker().wake_by_ref();
        }
        !self.has_waited
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for CoalescedWrites<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

/// It says that it does not take several buffers at once: HTTP/2 then copies small frames behind each other, where it would
/// else write after each that is larger than 256 bytes, as most answers are.
impl<S: AsyncWrite + Unpin> AsyncWrite for CoalescedWrites<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if !self.is_time(context) {
            return Poll::Pending;
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{cell::RefCell, future::poll_fn, rc::Rc};
    use tokio::{io::AsyncReadExt as _, task::LocalSet};

    #[tokio::test]
    async fn what_is_ready_at_the_same_moment_leaves_in_one_write() {
        let (ours, mut theirs) = tokio::io::duplex(1 << 10);
        let left = Rc::new(RefCell::new(Vec::new()));
        let tasks = LocalSet::new();
        let seen = left.clone();
        tasks.spawn_local(async move {
            let mut stream = CoalescedWrites::new(ours);
            // As a connection does: it looks at what was left each time that it is asked to write.
            poll_fn(|context| Pin::new(&mut stream).poll_write(context, &seen.borrow())).await.unwrap();
        });
        for answer in ["one", "two"] {
            let left = left.clone();
            tasks.spawn_local(async move { left.borrow_mut().extend_from_slice(answer.as_bytes()) });
        }
        tasks.await;
        let mut read = [0; 16];
        let length = theirs.read(&mut read).await.unwrap();
        assert_eq!(&read[..length], b"onetwo");
    }

    #[tokio::test]
    async fn a_write_that_waits_for_nobody_arrives_whole() {
        use tokio::io::AsyncWriteExt as _;
        let (ours, mut theirs) = tokio::io::duplex(7);
        let sent: Vec<u8> = (0..200).collect();
        let expected = sent.clone();
        let writing = tokio::spawn(async move {
            let mut stream = CoalescedWrites::new(ours);
            stream.write_all(&sent).await.unwrap();
            stream.shutdown().await.unwrap();
        });
        let mut read = Vec::new();
        theirs.read_to_end(&mut read).await.unwrap();
        writing.await.unwrap();
        assert_eq!(read, expected);
    }
}
