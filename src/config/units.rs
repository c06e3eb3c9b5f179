//! Sizes such as `4MiB` and durations such as `250ms`. A value has its unit, so that no reader guesses it.

use std::time::Duration;

const SIZES: [(&str, u64); 5] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];
const DURATIONS: [(&str, u64); 6] = [
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// A size in bytes.
pub(super) fn size(text: &str) -> Result<u64, String> {
    number(text, &SIZES).ok_or_else(|| {
        format!("`{text}` is not a size; write a whole number with B, KiB, MiB, GiB or TiB, such as 4MiB")
    })
}

/// A duration.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    number(text, &DURATIONS).map(Duration::from_nanos).ok_or_else(|| {
        format!("`{text}` is not a duration; write a whole number with us, ms, s, m, h or d, such as 250ms")
    })
}

fn number(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let end = text.find(|character: char| !character.is_ascii_digit())?;
    let (digits, unit) = text.split_at_checked(end)?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    digits.parse::<u64>().ok()?.checked_mul(*factor)
}

/// A size as a person writes it.
pub(super) fn show(size: u64) -> String {
    let unit = SIZES.iter().find(|(_, factor)| size >= *factor && size.is_multiple_of(*factor));
    unit.map_or_else(|| format!("{size}B"), |(name, factor)| format!("{}{name}", size / factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_needs_its_unit() {
        assert_eq!(size("4MiB"), Ok(4 << 20));
        assert_eq!(size("0B"), Ok(0));
        assert_eq!(duration("250 ms"), Ok(Duration::from_millis(250)));
        for odd in ["", "4", "MiB", "4MB", "-1B", "99999999999TiB", "1.5MiB", "é"] {
            assert!(size(odd).is_err(), "{odd}");
        }
        for odd in ["5", "5 days", "s", "99999999999h"] {
            assert!(duration(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn sizes_are_shown_in_the_unit_they_fit() {
        assert_eq!(show(4 << 20), "4MiB");
        assert_eq!(show(1000), "1000B");
        assert_eq!(show(0), "0B");
    }
}
