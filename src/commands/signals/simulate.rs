//! `poort signals simulate`: what a made-up force would see under some settings.

use super::{Common, Exit, Output};
use crate::{
    oversight::signals::{
        Family, SettingsFiles,
        simulation::{InOperation, OPERATION_DAYS, OfPattern, Plan, Planted, Report, Share, Week, simulate},
    },
    types::escape,
};
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};

pub(super) const EXAMPLES: &str = "Examples:
  poort signals simulate                               65 000 accounts and 60 days: an operation, and misuse of nine patterns
  poort signals simulate --quiet --missing 0.2         a quiet time in which a fifth of assignments is never entered
  poort signals simulate --against proposed --budget 1 other settings, and another budget
  poort signals simulate --plant mine.csv --format json

The force is made up from the seed: who works when, on which records, with which reasons. docs/signals.md says what is assumed. It asks
no policies, and knows no rules. Signals of accounts without planted misuse count as false.

--plant is a CSV file with the columns pattern,accounts,per_day,on_days,own, such as `slow,21,1,8,no`:
  pattern   its name
  accounts  in how many accounts it is planted
  per_day   how many records it opens on a day; `paced`: as many as the threshold allows on that day alone; `informed`: as many as it
            allows beside what is kept of the days before
  on_days   on how many days of work, from a day after the baseline on; `all`: on each from the first day on
  own       `no`: records of another unit; `yes`: of the own team; `denied`: such as policies deny";

#[derive(Debug, Args)]
pub(in crate::commands) struct Arguments {
    /// How many accounts the force has
    #[arg(long, default_value = "65000", value_name = "N", value_parser = clap::value_parser!(u32).range(500..=1_000_000))]
    accounts: u32,
    /// How many days it works, those of the baseline with them
    #[arg(long, default_value = "60", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=366))]
    days: u32,
    /// Draws everything
    #[arg(long, default_value = "7", value_name = "N")]
    seed: u64,
    /// The share of records whose assignment is never entered
    #[arg(long, default_value = "0.05", value_name = "SHARE")]
    missing: f64,
    /// The first day of a large operation, counted from 0 [default: the ninth after the baseline]
    #[arg(long, value_name = "DAY", conflicts_with = "quiet")]
    operation: Option<u32>,
    /// Plant this misuse [default: nine patterns]
    #[arg(long, value_name = "FILE", conflicts_with = "quiet")]
    plant: Option<PathBuf>,
    /// Neither an operation nor misuse
    #[arg(long)]
    quiet: bool,
    /// Take the settings from the folder `signals` of this policy folder [default: --policies]
    #[arg(long, value_name = "DIR")]
    against: Option<PathBuf>,
    /// Signals for each 1 000 active accounts and workday [default: as the settings say]
    #[arg(long, value_name = "NUMBER")]
    budget: Option<f64>,
    /// The form of the report
    #[arg(long, value_enum, default_value = "human", value_name = "FORM")]
    format: Format,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let (settings, _) = arguments.common.settings(Default::default(), output)?;
    let folder = arguments.against.as_ref().unwrap_or(&settings.store.policies);
    let files = SettingsFiles::read(folder).map_err(|problems| {
        output.problems(&problems);
        Exit::NotValid
    })?;
    let plan = plan(arguments, files.baseline_days()).map_err(|message| {
        output.error(&message);
        Exit::Usage
    })?;
    let bar = output.progress("days");
    bar.set_length(plan.days.into());
    let report = simulate(&files, &plan, || bar.inc(1));
    bar.finish_and_clear();
    let shown = match arguments.format {
        Format::Human => human(&report),
        Format::Json => serde_json::to_string_pretty(&report).unwrap_or_default() + "\n",
    };
    output.conclude(&shown)?;
    Ok(Exit::Done)
}

/// What is simulated, if the flags make sense.
fn plan(arguments: &Arguments, baseline: u32) -> Result<Plan, String> {
    let Arguments { accounts, days, seed, missing, operation, plant, quiet, budget, .. } = arguments;
    let (accounts, days, seed, missing, budget) = (*accounts, *days, *seed, *missing, *budget);
    let least = baseline + 7;
    if days < least {
        return Err(format!(
            "--days: {days} is too few; a baseline of {baseline} days and a week after it are {least}"
        ));
    }
    if !(0.0..=1.0).contains(&missing) {
        return Err(format!("--missing: `{missing}` is not from 0 to 1"));
    }
    if let Some(budget) = budget.filter(|budget| !(*budget > 0.0 && *budget <= 1e3)) {
        return Err(format!("--budget: `{budget}` is not above 0 and at most 1000"));
    }
    let last = days - OPERATION_DAYS;
    let operation = match operation {
        _ if *quiet => None,
        Some(day) if *day > last => {
            return Err(format!("--operation: of {days} days, {last} is the last that it can begin on"));
        }
        Some(day) => Some(*day),
        None => Some((baseline + 8).min(last)),
    };
    let planted = match plant {
        _ if *quiet => Vec::new(),
        Some(file) => read(file)?,
        None => Planted::usual(accounts),
    };
    let wanted: u32 = planted.iter().map(|it| it.accounts).sum();
    if wanted > accounts / 4 {
        return Err(format!("--plant: misuse in {wanted} of {accounts} accounts is more than a quarter of them"));
    }
    Ok(Plan { accounts, days, seed, missing, operation, planted, budget })
}

fn read(file: &Path) -> Result<Vec<Planted>, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("--plant: `{}`: {error}", file.display()))?;
    Planted::read(&text).map_err(|mistake| format!("--plant: `{}`, {mistake}", file.display()))
}

/// The report for a person.
fn human(report: &Report) -> String {
    let Report { accounts, days, seed, missing, questions, settings, budget, baseline_days, threshold, .. } = report;
    let mut shown = format!(
        "A made-up force of {accounts} accounts, over {days} days with {questions} questions (seed {seed})\n\
         {:.0} % of assignments are never entered. docs/signals.md says what is assumed.\n\n\
         settings   {settings}\n\
         budget     {budget} signals for each 1 000 active accounts and workday\n\
         score      {:.2} at the end; {baseline_days} days of baseline\n",
        missing * 100.0,
        threshold.unwrap_or_default(),
    );
    for name in &report.unknown {
        shown.push_str(&format!("unknown    the force has no `{name}`, so peers differ in what is before it alone\n"));
    }
    shown.push_str(&format!(
        "\n{:<14}{:>8}{:>8}{:>8}{:>8}{:>12}{:>12}{:>8}\n",
        "false signals", "active", "reason", "volume", "denial", "for 1 000", "of misuse", "crowds"
    ));
    let line = |name: &str, week: &Week| {
        let of = |family: Family| week.false_signals.get(family.name()).copied().unwrap_or_default();
        let [reason, volume, denial] = [Family::Reason, Family::Volume, Family::Denial].map(of);
        let Week { active, per_thousand, of_planted, crowds, .. } = week;
        format!(
            "{name:<14}{active:>8}{reason:>8}{volume:>8}{denial:>8}{per_thousand:>12.2}{of_planted:>12}{crowds:>8}\n"
        )
    };
    report.weeks.iter().for_each(|week| shown.push_str(&line(&format!("from day {}", week.from), week)));
    shown.push_str(&line("all", &report.quiet));
    if report.operation.is_some() {
        shown.push_str("Of `all`, the rate for 1 000 is without those of the operation.\n");
    }
    let heads = ["accounts", "signals", "its share x"].map(|head| format!("{head:>12}")).concat();
    shown.push_str(&format!("\n{:<26}{heads}   by chance\n", "false signals of"));
    for Share { by, name, of, accounts, signals, times, by_chance } in &report.shares {
        let name = if *by == "district" { format!("{name} of {of}") } else { name.clone() };
        let chance = by_chance * 100.0;
        shown.push_str(&format!(
            "{:<26}{accounts:>12}{signals:>12}{times:>12.1}{chance:>8.0} %\n",
            format!("{by} {name}")
        ));
    }
    if let Some(InOperation { day, accounts, signalled, budget }) = &report.operation {
        shown.push_str(&format!(
            "\nlarge operation   from day {day}: {accounts} accounts, of which `unexplained` signalled {signalled} within a week \
             (the budget of a week is {budget:.1})\n"
        ));
    }
    if !report.planted.is_empty() {
        let heads = ["accounts", "found", "acts", "hours", "all acts"].map(|head| format!("{head:>10}")).concat();
        shown.push_str(&format!("\n{:<16}{heads}\n", "misuse"));
    }
    for OfPattern { pattern, accounts, found, acts, hours, all_acts } in &report.planted {
        let share = if *accounts == 0 { 0.0 } else { *found as f64 / *accounts as f64 };
        let [acts, hours, all] = [acts, hours, all_acts].map(|it| it.map_or("-".to_owned(), |it| format!("{it:.0}")));
        let pattern = escape::line(pattern);
        shown.push_str(&format!("{pattern:<16}{accounts:>10}{share:>10.2}{acts:>10}{hours:>10}{all:>10}\n"));
    }
    if !report.planted.is_empty() {
        shown.push_str("acts, hours: the median from the first act after the baseline to the first signal after it.\n");
    }
    shown
}
