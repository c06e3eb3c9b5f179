//! Readers of bytes from outside, given bytes that went wrong: each reads them right or says what is wrong, and none panics.

mod log;
mod sources;
mod wire;
