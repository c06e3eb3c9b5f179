//! The project itself: the order of its code, and what its pages say.

mod docs;
mod circles;
mod layers;
mod manifest;
mod readme;
mod recipes;
