//! The path of a question: the engine, its keys and its cost.

mod bounded;
mod cached;
pub mod cedar;
mod cost;
mod listed;
mod order_of_policies;
mod reason_user;
pub mod small_world;
mod supported;
mod undeclared;
