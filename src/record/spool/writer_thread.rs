//! The thread of the writer: takes entries from the queue, and the writer for as long as it writes.

use super::{
    inline_commit::InlineCommit,
    ticket::{Message, Queued},
    writer::Writer,
};
use std::{
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, TryRecvError},
    },
    time::Instant,
};

/// What the thread does next.
enum Next {
    /// Writes this entry, and those that wait after it.
    Serve(Queued),
    /// Only what is due.
    LookUp,
    /// Ends: the spool is closed and the queue is empty.
    Finish,
}

/// The thread, before it runs.
pub(super) struct WriterThread {
    queue: Receiver<Message>,
    /// Taken from the queue, but did not fit any more.
    carried: Option<Queued>,
    is_closing: bool,
    /// When to wake, whether an entry comes or not.
    look_at: Instant,
    inline: Arc<InlineCommit>,
}

impl WriterThread {
    pub(super) fn new(queue: Receiver<Message>, look_at: Instant, inline: Arc<InlineCommit>) -> Self {
        Self { queue, carried: None, is_closing: false, look_at, inline }
    }

    /// Runs until the spool is closed.
    pub(super) fn run(mut self) {
        let inline = self.inline.clone();
        loop {
            let next = self.next();
            // A thread that panicked with the writer has said so.
            let Some(mut held) = inline.take() else { return };
            if matches!(next, Next::Finish) {
                if let Some(writer) = held.take() {
                    writer.finish();
                }
                return;
            }
            let Some(writer) = held.as_mut() else { return };
            if let Next::Serve(queued) = next {
                self.serve(writer, queued);
            }
            writer.keep_time();
            self.look_at = writer.look_at();
        }
    }

    /// Waits for an entry until it is time to look up.
    fn next(&mut self) -> Next {
        if let Some(queued) = self.carried.take() {
            return Next::Serve(queued);
        }
        let message = if self.is_closing {
            self.queue.try_recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            self.queue.recv_timeout(self.look_at.saturating_duration_since(Instant::now()))
        };
        match message {
            Ok(Message::Entry(queued)) => Next::Serve(queued),
            Ok(Message::Close) => {
                self.is_closing = true;
                Next::LookUp
            }
            Err(RecvTimeoutError::Timeout) => Next::LookUp,
            // All handles are gone, or the queue is drained.
            Err(RecvTimeoutError::Disconnected) => Next::Finish,
        }
    }

    /// Makes a commit of this entry and all that wait after it.
    fn serve(&mut self, writer: &mut Writer, first: Queued) {
        let Some(first) = writer.unless_gated(first) else { return };
        let mut next = Some(first);
        while let Some(queued) = next {
            if !writer.has_place_for(&queued.entry) {
                self.carried = Some(queued);
                break;
            }
            writer.take(queued);
            next = match self.queue.try_recv() {
                Ok(Message::Entry(queued)) => Some(queued),
                Ok(Message::Close) => {
                    self.is_closing = true;
                    None
                }
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => None,
            };
        }
        writer.commit();
    }
}
