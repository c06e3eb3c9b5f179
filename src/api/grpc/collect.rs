//! Collects the messages of a gRPC call: tonic gets a message only when all of its bytes are there.
//!
//! tonic alone reserves memory for the length that a message announces, and waits for its bytes without end. Here each message
//! has a deadline, and its bytes count in the quota of all messages.

use crate::{
    api::status::{Fault, Reason},
    pdp::{Pdp, Taken, Unread},
};
use hyper::body::{Body, Bytes, Frame};
use std::{
    collections::VecDeque,
    mem,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};
use tokio::time::{Sleep, sleep_until};
use tonic::Status;

/// The length of what precedes each message: a flag and four bytes of length (gRPC over HTTP/2, "Length-Prefixed-Message").
const PREFIX: usize = 5;

/// What a call takes besides its messages, in bytes: its task, its head and its buffers.
const CALL: usize = 4 << 10;

/// What the messages of a stream took from the budget, in their order. It is held until they are answered.
#[derive(Debug, Clone, Default)]
pub(super) struct Held(Arc<Mutex<VecDeque<Taken>>>);

impl Held {
    fn push(&self, taken: Taken) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(taken);
    }

    /// What the next message took.
    pub(super) fn pop(&self) -> Option<Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

/// Until when a message must have arrived.
#[derive(Debug)]
pub(super) enum Due {
    /// The one message of a call.
    At(Instant),
    /// Each message of a stream.
    Each {
        /// How long after its first byte.
        time: Duration,
        /// What it took from the budget.
        held: Held,
    },
}

/// A body that hands out whole messages.
#[derive(Debug)]
pub(super) struct Whole<B> {
    body: B,
    pdp: Arc<Pdp>,
    limit: usize,
    due: Due,
    /// The bytes of the message that is not complete.
    partial: Vec<u8>,
    taken: Arc<Taken>,
    /// What the call itself still has to take.
    call: usize,
    /// When the message that is awaited must have arrived; `None` between the messages of a stream.
    until: Option<Instant>,
    /// The timer for that, once it was waited for.
    timer: Option<Pin<Box<Sleep>>>,
    ended: bool,
}

impl<B> Whole<B> {
    pub(super) fn new(body: B, pdp: &Arc<Pdp>, taken: Arc<Taken>, limit: usize, due: Due) -> Self {
        let until = match due {
            Due::At(at) => Some(at),
            Due::Each { .. } => None,
        };
        Self {
            body,
            pdp: pdp.clone(),
            limit,
            due,
            partial: Vec::new(),
            taken,
            call: CALL,
            until,
            timer: None,
            ended: false,
        }
    }

    /// Takes further bytes, and gives the messages that are complete now.
    fn add(&mut self, bytes: &Bytes) -> Result<Option<Bytes>, Status> {
        self.take(bytes.len())?;
        // The usual case: a message arrives whole, and is not copied.
        let all = if self.partial.is_empty() {
            bytes.clone()
        } else {
            self.partial.extend_from_slice(bytes);
            if self.length(&self.partial)?.is_none_or(|length| length > self.partial.len()) {
                return Ok(None);
            }
            mem::take(&mut self.partial).into()
        };
        let mut rest = all.as_ref();
        while let Some(length) = self.length(rest)?
            && let Some((_, after)) = rest.split_at_checked(length)
        {
            if let Due::Each { held, .. } = &self.due {
                held.push(self.taken.divide(length));
            }
            rest = after;
        }
        let complete = all.len() - rest.len();
        self.partial = rest.to_vec();
        if let Due::Each { time, .. } = self.due
            && (complete > 0 || self.until.is_none())
        {
            // A message that began in these bytes has its time from now.
            self.until = (!self.partial.is_empty()).then(|| Instant::now() + time);
            self.timer = None;
        }
        Ok((complete > 0).then(|| all.slice(..complete)))
    }

    /// Takes so many bytes from the budget, and before them what the call takes.
    fn take(&mut self, bytes: usize) -> Result<(), Status> {
        if self.taken.take(mem::take(&mut self.call) + bytes) {
            return Ok(());
        }
        self.pdp.count_unread(Unread::NoRoom);
        Err(Fault::new(Reason::Busy, "too many bytes of messages are under way; ask again shortly").status())
    }

    /// The length of the message that these bytes begin with, its prefix included; `None` if they do not say it yet.
    fn length(&self, bytes: &[u8]) -> Result<Option<usize>, Status> {
        let Some([_, length @ ..]) = bytes.first_chunk::<PREFIX>() else { return Ok(None) };
        let length = u32::from_be_bytes(*length) as usize;
        if length > self.limit {
            self.pdp.count_unread(Unread::TooLarge);
            let limit = self.limit;
            let message = format!("the message is too large: it has {length} bytes, and the limit is {limit}");
            return Err(Fault::new(Reason::TooLarge, message).status());
        }
        Ok(Some(length + PREFIX))
    }
}

impl<B> Body for Whole<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<tonic::codegen::StdError>,
{
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        loop {
            if this.ended {
                return Poll::Ready(None);
            }
            let frame = match Pin::new(&mut this.body).poll_frame(context) {
                Poll::Ready(frame) => frame,
                Poll::Pending => {
                    if this.call > 0
                        && let Err(status) = this.take(0)
                    {
                        this.ended = true;
                        return Poll::Ready(Some(Err(status)));
                    }
                    let Some(until) = this.until else { return Poll::Pending };
                    let timer = this.timer.get_or_insert_with(|| Box::pin(sleep_until(until.into())));
                    if timer.as_mut().poll(context).is_pending() {
                        return Poll::Pending;
                    }
                    this.ended = true;
                    this.pdp.count_unread(Unread::Late);
                    let fault = Fault::new(Reason::NotArrived, "the message did not arrive in time");
                    return Poll::Ready(Some(Err(fault.status())));
                }
            };
            let answer = match frame {
                None if this.partial.is_empty() => None,
                None => Some(Err(Fault::new(Reason::InvalidQuestion, "the body ends within a message").status())),
                Some(Err(error)) => Some(Err(Status::from_error(error.into()))),
                Some(Ok(frame)) => match frame.into_data() {
                    Err(trailers) => Some(Ok(trailers)),
                    Ok(bytes) => match this.add(&bytes) {
                        Ok(None) => continue,
                        Ok(Some(complete)) => return Poll::Ready(Some(Ok(Frame::data(complete)))),
                        Err(status) => Some(Err(status)),
                    },
                },
            };
            this.ended = !matches!(answer, Some(Ok(_)));
            return Poll::Ready(answer);
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended || (self.partial.is_empty() && self.body.is_end_stream())
    }
}
