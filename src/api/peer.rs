//! The peer of a call: its connection, and when the call arrived.

use crate::{
    pdp::Quota,
    record::decision_log::{Caller, Identity},
};
use std::{net::SocketAddr, sync::Arc, time::Instant};

/// The other end of the connection, and this call's arrival. It travels in the extensions of the request.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    /// How the application is connected.
    pub(super) caller: Caller,
    /// What its connection proves; `None` if that is nothing, or nobody is recognised.
    pub(super) identity: Option<Arc<Identity>>,
    /// The address that it reached; `None` over a Unix socket.
    pub(super) local: Option<SocketAddr>,
    /// The places for questions that its connection may take at once.
    pub(super) share: Quota,
    /// When the head of the call was read: its deadline counts from here.
    pub(super) arrived: Instant,
}
