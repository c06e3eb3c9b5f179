//! The project itself: the order of its code, and what its pages say.

mod circles;
mod docs;
mod guide;
mod layers;
mod manifest;
mod ops;
mod readme;
mod recipes;
