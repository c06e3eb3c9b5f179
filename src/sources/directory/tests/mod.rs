//! Tests of the directory.

mod agreement;
mod changes;
mod closure;
mod reach;
mod reading;
mod size;
mod strict;

use crate::sources::policy::{Policies, Schema, Sources};

fn schema(text: &str) -> Schema {
    let (schema, _, problems) = Policies::from_sources(&Sources::from_texts("p", [("schema.cedarschema", text)]));
    schema.unwrap_or_else(|| panic!("{problems:#?}"))
}

/// Choices that a property test makes: the rest are zeros.
struct Tape<'a>(std::slice::Iter<'a, u8>);

impl<'a> Tape<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self(bytes.iter())
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::from(*self.0.next().unwrap_or(&0)) % bound
    }

    fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// True one time in so many.
    fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == times - 1
    }
}
