//! The transport under both bindings: sockets, TLS, and connections from the first byte to an orderly end.
//!
//! - `listen`: sockets
//! - `tls`: TLS, and its files while poort runs
//! - `client_certificates`: which authority may sign a caller's certificate
//! - `plain_http`: plain HTTP on a port with TLS
//! - `connections`: accepts connections, serves and closes them
//! - `dispatch`: the binding that answers a call
//! - `limits`: how many connections, and how long each may take
//! - `places`: which connection is closed where there are too many
//! - `activity`: when a connection is closed for silence
//! - `coalesce`: many answers in one write
//! - `lingering_close`: a connection's end that loses nothing
//! - `descriptors`: the system's limit on open files

mod activity;
mod client_certificates;
mod coalesce;
mod connections;
mod descriptors;
mod dispatch;
mod limits;
mod lingering_close;
mod listen;
mod places;
mod plain_http;
mod tls;

pub use connections::{Port, serve};
pub use descriptors::{connections_within, raise_limit};
pub use dispatch::Dispatch;
pub use limits::Limits;
pub use listen::{Address, AnyCaller, Bound, Exposed, InTheClear, Passed, Plaintext};
pub use tls::{Read, ReplaceableTls, Tls, TlsError, not_after};
