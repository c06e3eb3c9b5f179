//! The limits of connections: how many there may be, and how long each may take for what.

use std::time::Duration;

/// Bounds on connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many connections may be open. Where one more comes, the one that said nothing for longest is closed.
    pub connections: usize,
    /// How many calls may be under way on one HTTP/2 connection.
    pub streams: u32,
    /// How long a caller may take from its connection to its first call, TLS handshake included; and to take an answer.
    pub handshake: Duration,
    /// How long a connection without calls stays open.
    pub idle: Duration,
    /// How long calls are still taken after the stop signal.
    pub linger: Duration,
    /// How long calls that were taken may take to end after that.
    pub grace: Duration,
}

impl Default for Limits {
    /// 1024 connections: a sidecar has one application, with a pool of a few dozen. 256 calls on one, which bounds what
    /// their messages can take; clients keep further calls back by themselves. 10 s to introduce oneself. 5 minutes idle:
    /// longer than the pools of usual clients keep a connection, so that they close it first. No linger: it is for an
    /// application that gets its own signal together with poort, and it prolongs each restart. 10 s of grace: twice the
    /// usual deadline.
    fn default() -> Self {
        Self {
            connections: 1024,
            streams: 256,
            handshake: Duration::from_secs(10),
            idle: Duration::from_secs(300),
            linger: Duration::ZERO,
            grace: Duration::from_secs(10),
        }
    }
}
