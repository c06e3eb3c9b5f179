//! The delivery against receivers of all kinds, on a real log in a folder. The clock is tokio's own and stands still: waits
//! cost no time.

mod delivering;
mod events;
mod handle;
mod property;
mod refusing;
mod support;
