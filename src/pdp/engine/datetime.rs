//! Datetimes as standard libraries write them (RFC 3339, section 5.6), in the form that Cedar's `datetime` reads.
//!
//! Cedar (RFC 80) takes an offset without a colon and three digits of a second or none, which few libraries write.

use jiff::Timestamp;
use std::borrow::Cow;

/// The largest fraction of a second, in digits: nanoseconds.
const DIGITS: usize = 9;

/// The text for Cedar: in UTC, cut to milliseconds towards the past. What is no RFC 3339 stays as it is, for Cedar to judge.
pub(super) fn for_cedar(text: &str) -> Cow<'_, str> {
    if !has_form(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let Ok(moment) = text.parse::<Timestamp>() else { return Cow::Borrowed(text) };
    let milliseconds = moment.as_nanosecond().div_euclid(1_000_000);
    let cut = i64::try_from(milliseconds).ok().and_then(|cut| Timestamp::from_millisecond(cut).ok());
    cut.map_or(Cow::Borrowed(text), |cut| Cow::Owned(cut.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()))
}

/// Whether it has the form of `date-time`, or that without seconds, as Java's `OffsetDateTime` writes a full minute. jiff reads
/// other forms too, such as a space for `T`.
fn has_form(text: &[u8]) -> bool {
    let Some((start, rest)) = text.split_at_checked(16) else { return false };
    let is_start = start.iter().zip(b"0000-00-00T00:00").all(|(byte, form)| fits(*byte, *form));
    let (seconds, rest) = match rest {
        [b':', tens, ones, rest @ ..] if tens.is_ascii_digit() && ones.is_ascii_digit() => (true, rest),
        rest => (false, rest),
    };
    let rest = match rest {
        [b'.', fraction @ ..] if seconds => {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits == 0 || digits > DIGITS {
                return false;
            }
            fraction.get(digits..).unwrap_or_default()
        }
        rest => rest,
    };
    let is_offset = match rest {
        [b'Z' | b'z'] => true,
        [b'+' | b'-', offset @ ..] => {
            offset.len() == 5 && offset.iter().zip(b"00:00").all(|(byte, form)| fits(*byte, *form))
        }
        _ => false,
    };
    is_start && is_offset
}

const fn fits(byte: u8, form: u8) -> bool {
    match form {
        b'0' => byte.is_ascii_digit(),
        form => byte.eq_ignore_ascii_case(&form),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::policy::{Extension, value_visitor::extension};
    use proptest::prelude::*;

    fn same(one: &str, other: &str) -> bool {
        let [one, other] = [one, other].map(|text| extension(Extension::Datetime, &for_cedar(text)).unwrap());
        one == other
    }

    #[test]
    fn what_libraries_write_is_the_same_moment() {
        for text in [
            "2026-10-01T14:00:00+02:00",
            "2026-10-01T12:00:00+00:00",
            "2026-10-01T12:00:00.0Z",
            "2026-10-01t12:00:00z",
            "2026-10-01T12:00:00.000999Z",
            "2026-10-01T14:00:00.000000999+02:00",
            "2026-10-01T06:30:00-05:30",
            "2026-10-01T14:00:00.000+0200",
            "2026-10-01T14:00+02:00",
            "2026-10-01T12:00Z",
        ] {
            assert!(same(text, "2026-10-01T12:00:00Z"), "{text}");
        }
    }

    #[test]
    fn a_fraction_is_cut_towards_the_past() {
        assert!(same("2026-10-01T12:00:00.1239999Z", "2026-10-01T12:00:00.123Z"));
        assert!(same("1969-12-31T23:59:59.999999999Z", "1969-12-31T23:59:59.999Z"));
        assert!(same("1969-12-31T23:59:59.0000001Z", "1969-12-31T23:59:59.000Z"));
    }

    #[test]
    fn other_forms_are_for_cedar_to_judge() {
        for text in [
            "2026-10-01",
            "2026-10-01 12:00:00Z",
            "2026-10-01T12:00:00",
            "2026-10-01T12:00:00.Z",
            "2026-10-01T12:00.5Z",
            "2026-10-01T12:00",
            "2026-10-01T12:00:0Z",
            "2026-10-01T12:00:00.1234567890Z",
            "2026-10-01T12:00:00+02",
            "2026-10-01T12:00:00Z[Europe/Amsterdam]",
            "2026-02-30T12:00:00Z",
            "+002026-10-01T12:00:00Z",
            "2026-10-01T12:00:00,5Z",
            "",
            "é026-10-01T12:00:00Z",
        ] {
            assert_eq!(for_cedar(text), text);
        }
    }

    proptest! {
        /// What Cedar takes by itself has its meaning here.
        #[test]
        fn cedar_s_own_forms_keep_their_meaning(
            milliseconds in -62_135_596_800_000_i64..253_370_764_800_000, hours in -23_i64..=23, minutes in 0_i64..60,
        ) {
            let offset = (hours.abs() * 60 + minutes) * if hours < 0 { -60_000 } else { 60_000 };
            prop_assume!((-62_135_596_800_000..253_370_764_800_000).contains(&(milliseconds + offset)));
            let local = Timestamp::from_millisecond(milliseconds + offset).unwrap();
            let sign = if hours < 0 { '-' } else { '+' };
            let (start, hours) = (local.strftime("%Y-%m-%dT%H:%M:%S%.3f"), hours.abs());
            let alone = extension(Extension::Datetime, &format!("{start}{sign}{hours:02}{minutes:02}")).unwrap();
            let read = format!("{start}{sign}{hours:02}:{minutes:02}");
            prop_assert_eq!(&alone, &extension(Extension::Datetime, &for_cedar(&read)).unwrap(), "{}", read);
        }
    }
}
