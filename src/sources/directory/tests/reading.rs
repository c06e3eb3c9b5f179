//! Files that are read as a stream give what `serde_json` gives for the whole text: entities, messages, places.

use super::schema;
use crate::{
    sources::directory::{
        Directory, Observer, Sources, Unobserved,
        reading::{Item, Problems, each_entity},
    },
    types::problem::{Problem, SourceFile, json_place, report},
};
use proptest::prelude::*;
use serde_json::value::RawValue;
use std::{ops::ControlFlow, ops::Range};

/// Parts of lists, whole and broken; those that are long do not fit in a window.
fn part() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => prop::sample::select(vec![
            "[", "]", "{", "}", ",", ":", " ", "\n", "\r\n\t", "\"a\"", "\"é😀\"", "\"\\u00e9\"", "\"\\u12", "\"", "\\", "1", "-1.5e3",
            "-", "0", "true", "tru", "null", "{}", "{\"a\": [1, {\"b\": \"]}\"}]}", "é", "\u{feff}", "\u{1}",
        ]).prop_map(str::to_owned),
        1 => (0..5_000_usize).prop_map(|length| format!("\"{}\"", "x".repeat(length))),
        1 => (0..5_000_usize).prop_map(|length| " ".repeat(length)),
    ]
}

/// A list of objects on several lines, in which at most one part is another.
fn list() -> impl Strategy<Value = String> {
    let object = (0..400_usize, 0..40_usize)
        .prop_map(|(length, lines)| format!("{{\"a\": \"é{}\",{}\"b\": 12}}", "x".repeat(length), "\n".repeat(lines)));
    let list = proptest::collection::vec(object, 0..30).prop_map(|objects| format!("[{}]", objects.join(",\n ")));
    (list, proptest::option::of((part(), any::<prop::sample::Index>()))).prop_map(|(mut list, other)| {
        if let Some((part, at)) = other {
            let at = (0..=at.index(list.len())).rev().find(|at| list.is_char_boundary(*at)).unwrap();
            list.insert_str(at, &part);
        }
        list
    })
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![1 => proptest::collection::vec(part(), 0..12).prop_map(|parts| parts.concat()), 2 => list()]
}

fn found(file: &SourceFile, place: Range<usize>) -> Problem {
    Problem::error("directory::invalid", file, "is wrong").at(place, "this entity")
}

/// What a person sees of a problem. The lines around it are cut where they are too long.
fn seen(problem: &Problem) -> String {
    let whole = report(std::slice::from_ref(problem), false);
    let is_short = whole.lines().all(|line| line.len() < 1_000);
    format!("{} {:?} {}", problem.one_line(), problem.region(), if is_short { &whole } else { "" })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_stream_gives_what_the_whole_text_gives(text in text()) {
        let sources = Sources::from_texts("d", [("d.json", text.as_str())]);
        let (mut streamed, mut problems, mut seen_items) = (Vec::new(), Problems::default(), Vec::new());
        let mut take = |item: &mut Item<'_, '_>, _: &mut Problems| {
            streamed.push(item.text().to_owned());
            seen_items.push(seen(&item.problem(|file, _, place| found(file, place))));
            ControlFlow::Continue(())
        };
        let revision = each_entity(&sources, &mut Unobserved, &mut problems, &mut take);
        // A byte order mark has no meaning.
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let file = SourceFile { name: "d/d.json".into(), text: text.into() };
        match serde_json::from_str::<Vec<&RawValue>>(&file.text) {
            Ok(items) => {
                prop_assert_eq!(&streamed, &items.iter().map(|item| item.get().to_owned()).collect::<Vec<_>>());
                for (item, streamed) in items.iter().zip(&seen_items) {
                    let start = item.get().as_ptr().addr() - file.text.as_ptr().addr();
                    prop_assert_eq!(streamed, &seen(&found(&file, start..start + item.get().len())));
                }
                prop_assert_eq!(revision, Some(Sources::from_texts("d", [("d.json", text)]).revision()));
            }
            Err(error) => {
                prop_assert_eq!(revision, None);
                let whole = Problem::error("directory::syntax", &file, error.to_string()).at(json_place(&file.text, &error), "here");
                let streamed = problems.finish("d");
                prop_assert_eq!(streamed.len(), 1);
                prop_assert_eq!((streamed[0].one_line(), streamed[0].region()), (whole.one_line(), whole.region()));
            }
        }
    }
}

/// What is wrong with a text, as the stream says it and as the whole text does.
fn mistakes(text: &str) -> [String; 2] {
    let sources = Sources::from_texts("d", [("d.json", text)]);
    let mut problems = Problems::default();
    let mut take = |_: &mut Item<'_, '_>, _: &mut Problems| ControlFlow::Continue(());
    assert_eq!(each_entity(&sources, &mut Unobserved, &mut problems, &mut take), None);
    let file = SourceFile { name: "d/d.json".into(), text: text.into() };
    let error = serde_json::from_str::<Vec<&RawValue>>(text).unwrap_err();
    let whole = Problem::error("directory::syntax", &file, error.to_string()).at(json_place(text, &error), "here");
    let streamed = problems.finish("d");
    [&streamed[0], &whole].map(|problem| format!("{} {:?}", problem.one_line(), problem.region()))
}

#[test]
fn a_character_at_the_end_of_a_window_is_read_whole() {
    for behind in ["é", "\u{feff}", "😀"] {
        for padding in 0..200 {
            let [streamed, whole] = mistakes(&format!("{}[]{behind}", " ".repeat(padding)));
            assert_eq!(streamed, whole);
        }
    }
}

/// Each read parses it again, so the reads double.
#[test]
fn a_long_element_is_read_in_few_steps() {
    #[derive(Default)]
    struct Reads(usize);
    impl Observer for Reads {
        fn restart(&mut self) {}
        fn file(&mut self, _: &str) {}
        fn bytes(&mut self, _: &[u8]) {
            self.0 += 1;
        }
    }
    let sources = Sources::from_texts("d", [("d.json", format!("[[{}1]]", "1,".repeat(100_000)).as_str())]);
    let mut take = |_: &mut Item<'_, '_>, _: &mut Problems| ControlFlow::Continue(());
    let mut reads = Reads::default();
    assert!(each_entity(&sources, &mut reads, &mut Problems::default(), &mut take).is_some());
    assert!(reads.0 < 30, "{}", reads.0);
}

#[test]
fn a_number_at_the_end_of_a_window_is_read_whole() {
    for padding in 0..200 {
        let entity = format!("{{\"a\": \"{}\", \"b\": -1.5e-3}}", "x".repeat(padding));
        let sources = Sources::from_texts("d", [("d.json", format!("[{entity}]").as_str())]);
        let (mut streamed, mut problems) = (Vec::new(), Problems::default());
        let mut take = |item: &mut Item<'_, '_>, _: &mut Problems| {
            streamed.push(item.text().to_owned());
            ControlFlow::Continue(())
        };
        assert!(
            each_entity(&sources, &mut Unobserved, &mut problems, &mut take).is_some(),
            "{:?}",
            problems.finish("d")
        );
        assert_eq!(streamed, [entity]);
    }
}

#[test]
fn a_directory_of_mistakes_shows_many_and_counts_the_others() {
    let wrong: Vec<_> = (0..1_500).map(|number| format!("{{\"uid\": {number}}}")).collect();
    let sources = Sources::from_texts("d", [("d.json", format!("[{}]", wrong.join(",\n")).as_str())]);
    let (directory, problems) = Directory::from_sources(&sources, &schema("entity A;"));
    assert!(directory.is_none());
    assert_eq!(problems.len(), 1_001);
    assert_eq!(problems[999].position(), Some((1_000, 1)));
    assert_eq!(problems[1_000].message(), "500 more entities have problems");
}

#[test]
fn a_window_stays_small_however_long_the_file_is() {
    let entities: Vec<_> = (0..20_000).map(|number| format!("{{\"uid\": {number}}}")).collect();
    let sources = Sources::from_texts("d", [("d.json", format!("[{}]", entities.join(",\n")).as_str())]);
    let (mut most, mut count) = (0, 0);
    let mut take = |item: &mut Item<'_, '_>, _: &mut Problems| {
        (most, count) = (item.held().max(most), count + 1);
        ControlFlow::Continue(())
    };
    each_entity(&sources, &mut Unobserved, &mut Problems::default(), &mut take).unwrap();
    assert!(count == 20_000 && most < 8_000, "{most} bytes at once, {count} entities");
}
