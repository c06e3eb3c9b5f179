//! Packed segments: a complete segment as compressed frames with a footer, so that it takes little room and the start
//! need not read it.
//!
//! The keeper packs segments in the background. It writes a packed file beside the segment, reads it back, and renames it
//! over the segment. So there is one file with the name of the segment at any moment, and it is whole. A reader that has the
//! old file open goes on in it.
//!
//! - `layout`: the form of the file
//! - `file`: reads one
//! - `pack`: makes one

mod file;
mod layout;
mod pack;

pub(super) use file::{PackedFile, is_packed, read_index};
pub(super) use layout::{CHUNK, Footer};
pub(super) use pack::{Packing, UNFINISHED, pack};
