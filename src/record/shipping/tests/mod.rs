//! Shipping to receivers of all kinds, from a real log in a folder. The clock is tokio's own and paused: waits cost no
//! time.

mod delivering;
mod events;
mod handle;
mod property;
mod redelivering;
mod refusing;
mod support;
