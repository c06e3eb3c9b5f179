//! The activity of a connection, from which follows when poort closes it.
//!
//! It counts the calls that are open and the answers that the caller does not take, and notes when a byte last moved.

use super::limits::Limits;
use hyper::body::{Body, Frame, SizeHint};
use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

/// The activity of one connection.
#[derive(Debug)]
pub(super) struct Activity {
    accepted: Instant,
    /// Milliseconds from `accepted` to the last time that a call began, moved or ended.
    moved: AtomicU64,
    /// Whether there was a call.
    asked: AtomicBool,
    /// Calls whose answer is not complete.
    open: AtomicUsize,
    /// Those of them that have a frame which the caller does not take: over HTTP/2, its window is full.
    untaken: AtomicUsize,
}

/// Why a connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closing {
    /// It made no call in the time that is for that.
    Silent,
    /// No call is open, for long.
    Idle,
    /// The caller takes none of the answers that are there for it.
    Untaken,
}

impl Activity {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            accepted: Instant::now(),
            moved: AtomicU64::new(0),
            asked: AtomicBool::new(false),
            open: AtomicUsize::new(0),
            untaken: AtomicUsize::new(0),
        })
    }

    /// Notes that a call begins now, until the guard is dropped.
    pub(super) fn begin(self: &Arc<Self>, now: Instant) -> OpenCall {
        self.asked.store(true, Ordering::Relaxed);
        self.open.fetch_add(1, Ordering::Relaxed);
        self.touch(now);
        OpenCall(self.clone())
    }

    fn touch(&self, now: Instant) {
        let moved = now.saturating_duration_since(self.accepted).as_millis();
        self.moved.store(u64::try_from(moved).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// When the connection was accepted.
    pub(super) const fn accepted(&self) -> Instant {
        self.accepted
    }

    /// When something last moved.
    pub(super) fn moved(&self) -> Instant {
        self.accepted + Duration::from_millis(self.moved.load(Ordering::Relaxed))
    }

    /// Whether there was a call.
    pub(super) fn has_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// Whether a call is open that does not wait for its caller.
    pub(super) fn is_busy(&self) -> bool {
        self.open.load(Ordering::Relaxed) > self.untaken.load(Ordering::Relaxed)
    }

    /// Why the connection is to be closed at this time, or when to look again.
    pub(super) fn closing(&self, limits: &Limits, now: Instant) -> Result<Closing, Instant> {
        let (why, due) = if !self.has_asked() {
            (Closing::Silent, self.accepted + limits.handshake)
        } else if self.is_busy() {
            return Err(now + limits.handshake);
        } else if self.open.load(Ordering::Relaxed) > 0 {
            (Closing::Untaken, self.moved() + limits.handshake)
        } else {
            (Closing::Idle, self.moved() + limits.idle)
        };
        if due <= now { Ok(why) } else { Err(due) }
    }
}

/// A call that is open on a connection.
#[derive(Debug)]
pub(super) struct OpenCall(Arc<Activity>);

impl Drop for OpenCall {
    fn drop(&mut self) {
        // Only the last one begins the time without calls.
        if self.0.open.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.touch(Instant::now());
        }
    }
}

/// The body of an answer, which notes whether the caller takes it.
#[derive(Debug)]
pub(super) struct Observed<B> {
    body: B,
    call: OpenCall,
    /// A frame was handed out, and the next one is not asked for yet.
    waits: bool,
}

impl<B> Observed<B> {
    pub(super) const fn new(body: B, call: OpenCall) -> Self {
        Self { body, call, waits: false }
    }

    fn set_waits(&mut self, waits: bool) {
        let untaken = &self.call.0.untaken;
        match (self.waits, waits) {
            (false, true) => drop(untaken.fetch_add(1, Ordering::Relaxed)),
            (true, false) => drop(untaken.fetch_sub(1, Ordering::Relaxed)),
            _ => {}
        }
        self.waits = waits;
    }
}

impl<B> Drop for Observed<B> {
    fn drop(&mut self) {
        self.set_waits(false);
    }
}

impl<B: Body + Unpin> Body for Observed<B> {
    type Data = B::Data;
    type Error = B::Error;

    /// The connection asks for a frame once the one before it has room in the caller's window.
    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        if self.waits {
            self.call.0.touch(Instant::now());
        }
        let frame = Pin::new(&mut self.body).poll_frame(context);
        self.set_waits(matches!(frame, Poll::Ready(Some(Ok(_)))));
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        connections: 1,
        streams: 1,
        handshake: Duration::from_secs(10),
        idle: Duration::from_secs(300),
        linger: Duration::ZERO,
        grace: Duration::ZERO,
    };

    #[test]
    fn a_connection_is_closed_by_what_it_waits_for() {
        let activity = Activity::new();
        let after = |seconds| activity.accepted + Duration::from_secs(seconds);
        let closing = |seconds| activity.closing(&LIMITS, after(seconds));
        assert_eq!((closing(9), closing(10)), (Err(after(10)), Ok(Closing::Silent)));
        let call = activity.begin(activity.accepted);
        assert_eq!(closing(1000), Err(after(1010)));
        let mut body = Observed::new(http_body_util::Empty::<hyper::body::Bytes>::new(), call);
        body.set_waits(true);
        assert_eq!((closing(9).is_err(), closing(11)), (true, Ok(Closing::Untaken)));
        body.set_waits(false);
        assert!(closing(1000).is_err());
        drop(body);
        assert_eq!((closing(299).is_err(), closing(301)), (true, Ok(Closing::Idle)));
    }
}
