//! Planted misuse: which patterns there are, in how many accounts, and when they act.

use std::fmt;

/// A pattern of misuse.
#[derive(Debug, Clone, PartialEq)]
pub struct Planted {
    /// Its name.
    pub pattern: String,
    /// In how many accounts it is planted.
    pub accounts: u32,
    /// How much it does on a day.
    pub pace: Pace,
    /// On how many days of work it acts, from a day after the baseline on. `None`: on each, from the first day of the log on.
    pub days: Option<u32>,
    /// What it asks about.
    pub records: Records,
}

/// How much is done on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// So many acts.
    Daily(u32),
    /// As many as keep the score of the day below the threshold.
    Paced,
    /// As many as keep the score with that of the days before below the threshold, also where chance adds one more.
    Informed,
}

/// What misuse asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Records {
    /// Records of another unit, which are allowed.
    Foreign,
    /// Records of the own team.
    Own,
    /// Records that several policies deny.
    Denied,
}

/// How often an adversary that paces itself looks on a day whether it can act.
const ATTEMPTS: u32 = 30;

/// The columns of a file of patterns.
const COLUMNS: [&str; 5] = ["pattern", "accounts", "per_day", "on_days", "own"];

/// The patterns without a file; `{}` is how many accounts have each.
const DEFAULT: &str = "one,{},1,1,no
slow,{},1,8,no
burst,{},6,1,no
harvest,{},40,1,no
mole,{},3,all,no
own,{},6,1,yes
probing,{},12,1,denied
paced,{},paced,20,no
informed,{},informed,20,no
";

/// Where a file of patterns cannot be read, and why.
#[derive(Debug, PartialEq, Eq)]
pub struct Mistake {
    line: u64,
    column: Option<&'static str>,
    why: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}", self.line)?;
        if let Some(column) = self.column {
            write!(formatter, ", column `{column}`")?;
        }
        write!(formatter, ": {}", self.why)
    }
}

impl Planted {
    /// The patterns that are planted without a file: each in one account of 3 000, and in two at least.
    #[must_use]
    pub fn usual(accounts: u32) -> Vec<Self> {
        let each = (accounts / 3_000).max(2).to_string();
        Self::read(&format!("{}\n{}", COLUMNS.join(","), DEFAULT.replace("{}", &each))).unwrap_or_default()
    }

    /// Reads patterns from CSV.
    ///
    /// # Errors
    /// The first mistake, with its place.
    pub fn read(text: &str) -> Result<Vec<Self>, Mistake> {
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        let unreadable = |error: csv::Error| {
            let line = error.position().map_or(1, csv::Position::line);
            Mistake { line, column: None, why: format!("has not the columns `{}`", COLUMNS.join(",")) }
        };
        let heads = reader.headers().map_err(unreadable)?;
        if heads != COLUMNS.as_slice() {
            return Err(Mistake { line: 1, column: None, why: format!("is not `{}`", COLUMNS.join(",")) });
        }
        let mut planted = Vec::new();
        for row in reader.records() {
            let row = row.map_err(unreadable)?;
            let line = row.position().map_or(1, csv::Position::line);
            let wrong = |place: usize, what: &str| {
                let value: String = row.get(place).unwrap_or_default().chars().take(40).collect();
                let column = COLUMNS.get(place).copied();
                Mistake { line, column, why: format!("`{value}` is not {what}") }
            };
            let field = |place: usize| row.get(place).unwrap_or_default();
            let number = |place: usize, what: &str, most: u32| {
                let read = field(place).parse().ok().filter(|number| (1..=most).contains(number));
                read.ok_or_else(|| wrong(place, what))
            };
            let pattern = Some(field(0)).filter(|it| !it.is_empty()).ok_or_else(|| wrong(0, "a name"))?.to_owned();
            let accounts = number(1, "a number from 1 to 10000", 10_000)?;
            let pace = match field(2) {
                "paced" => Pace::Paced,
                "informed" => Pace::Informed,
                _ => Pace::Daily(number(2, "a number from 1 to 1000, `paced` or `informed`", 1_000)?),
            };
            let days = match field(3) {
                "all" => None,
                _ => Some(number(3, "a number from 1 to 366 or `all`", 366)?),
            };
            let records = match field(4) {
                "no" => Records::Foreign,
                "yes" => Records::Own,
                "denied" => Records::Denied,
                _ => return Err(wrong(4, "`no`, `yes` or `denied`")),
            };
            planted.push(Self { pattern, accounts, pace, days, records });
        }
        Ok(planted)
    }
}

/// What is planted in an account.
#[derive(Debug)]
pub(super) struct Acts {
    /// The number of its pattern.
    pub(super) pattern: usize,
    pub(super) pace: Pace,
    pub(super) records: Records,
    /// Its first day, and how many days of work are left.
    pub(super) from: u32,
    pub(super) left: Option<u32>,
}

impl Acts {
    /// How many acts there are on a day of work, and of what kind.
    pub(super) fn of_day(&mut self, day: u32) -> (u32, Records) {
        let is_over = day < self.from || self.left == Some(0);
        self.left = self.left.map(|left| if is_over { left } else { left - 1 });
        let acts = match self.pace {
            _ if is_over => 0,
            Pace::Daily(acts) => acts,
            Pace::Paced | Pace::Informed => ATTEMPTS,
        };
        (acts, self.records)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_patterns_is_read() {
        let read =
            Planted::read("pattern,accounts,per_day,on_days,own\nmine, 3,paced,all,denied\n\nown,1,2,3,yes\n").unwrap();
        let mine = Planted {
            pattern: "mine".to_owned(),
            accounts: 3,
            pace: Pace::Paced,
            days: None,
            records: Records::Denied,
        };
        assert_eq!((read.len(), &read[0]), (2, &mine));
        assert_eq!(Planted::usual(65_000)[0].accounts, 21);
        assert_eq!(Planted::usual(500).len(), 9);
    }

    #[test]
    fn a_mistake_names_line_and_column() {
        let head = "pattern,accounts,per_day,on_days,own\n";
        for (row, place) in [
            (",1,1,1,no", "line 3, column `pattern`: `` is not a name"),
            ("a,0,1,1,no", "line 3, column `accounts`: `0` is not a number from 1 to 10000"),
            ("a,1,many,1,no", "line 3, column `per_day`: `many` is not a number from 1 to 1000, `paced` or `informed`"),
            ("a,1,1,-1,no", "line 3, column `on_days`: `-1` is not a number from 1 to 366 or `all`"),
            ("a,1,1,1,maybe", "line 3, column `own`: `maybe` is not `no`, `yes` or `denied`"),
            ("a,1,1", "line 3: has not the columns `pattern,accounts,per_day,on_days,own`"),
        ] {
            let mistake = Planted::read(&format!("{head}one,1,1,1,no\n{row}\n")).unwrap_err();
            assert_eq!(mistake.to_string(), place);
        }
        assert_eq!(
            Planted::read("account,pattern\n").unwrap_err().to_string(),
            format!("line 1: is not `{}`", head.trim())
        );
    }
}
