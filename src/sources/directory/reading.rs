//! Reads the files of a directory once, entity by entity, and names what was read by its revision.

use super::{
    sources::{Files, Observer},
    window::{Window, unreadable},
};
use crate::types::{
    problem::{Problem, SourceFile},
    revision::{Digester, Revision},
};
use std::{
    ops::{ControlFlow, Range},
    sync::Arc,
};

/// How many problems are gathered: each holds its entity and the lines around it. A change of the schema can make every
/// account of a large directory wrong.
const PROBLEMS: usize = 1_000;

/// An entity as a file has it.
pub(super) struct Item<'w, 'a> {
    window: &'w mut Window<'a>,
    place: Range<usize>,
    /// Which file it is in.
    pub(super) file: usize,
}

impl Item<'_, '_> {
    /// How many bytes the window on its file holds.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.window.held()
    }

    /// Its JSON.
    pub(super) fn text(&self) -> &str {
        self.window.text(self.place.clone())
    }

    /// A problem with it. `make` gets the text around it, its own text, and its place in the first.
    pub(super) fn problem(&mut self, make: impl FnOnce(&SourceFile, &str, Range<usize>) -> Problem) -> Problem {
        self.window.problem(self.place.clone(), |file, place| {
            make(file, file.text.get(place.clone()).unwrap_or_default(), place)
        })
    }
}

/// Gathers problems by file: those of one file in the order of its entities, then those of entities that come twice.
#[derive(Debug, Default)]
pub(super) struct Problems {
    found: Vec<(usize, bool, Problem)>,
    more: usize,
}

impl Problems {
    /// Whether more are gathered. What is not is counted.
    pub(super) fn takes_more(&mut self) -> bool {
        let takes = self.found.len() < PROBLEMS;
        self.more += usize::from(!takes);
        takes
    }

    pub(super) fn add(&mut self, file: usize, problem: Problem) {
        self.found.push((file, false, problem));
    }

    pub(super) fn add_last(&mut self, file: usize, problem: Problem) {
        self.found.push((file, true, problem));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(super) fn finish(mut self, shown: &str) -> Vec<Problem> {
        self.found.sort_by_key(|(file, is_last, _)| (*file, *is_last));
        let mut problems: Vec<_> = self.found.into_iter().map(|(_, _, problem)| problem).collect();
        if self.more > 0 {
            let message = format!("{} more entities have problems", self.more);
            problems.push(Problem::unreadable("directory::more", shown, message));
        }
        problems
    }
}

/// Reads the files. `take` gets each entity; it can end the reading. Returns the revision of what was read, if all was.
/// Problems with files are added to `problems`.
pub(super) fn each_entity(
    files: &dyn Files,
    observer: &mut dyn Observer,
    problems: &mut Problems,
    take: &mut dyn FnMut(&mut Item<'_, '_>, &mut Problems) -> ControlFlow<()>,
) -> Option<Revision> {
    let mut digest = Digester::default();
    let mut is_whole = true;
    observer.restart();
    for (file, (name, shown)) in files.names().into_iter().enumerate() {
        observer.file(&name);
        digest.name(&name);
        match each_of_file(files, file, shown, (&mut *observer, &mut digest), &mut |item| take(item, problems)) {
            Ok(ControlFlow::Continue(())) => {}
            Ok(ControlFlow::Break(())) => return None,
            Err(problem) => {
                problems.add(file, *problem);
                is_whole = false;
            }
        }
    }
    is_whole.then(|| digest.finish())
}

fn each_of_file(
    files: &dyn Files,
    file: usize,
    shown: Arc<str>,
    (observer, digest): (&mut dyn Observer, &mut Digester),
    take: &mut dyn FnMut(&mut Item<'_, '_>) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, Box<Problem>> {
    let opened = files.open(file).map_err(|error| unreadable(&shown, &error.to_string()))?;
    let mut window = Window::new(shown, opened, observer, digest)?;
    while let Some(place) = window.next()? {
        if take(&mut Item { window: &mut window, place, file }).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}
