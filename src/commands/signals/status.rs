//! `poort signals status`: whether signals are looked for, and how many there are beside the budget.

use super::{
    Exit, Output,
    recorded::{OfLog, minute},
};
use crate::oversight::signals::{Family, SettingsFiles, Status};
use clap::Args;
use std::collections::BTreeMap;

pub(super) const EXAMPLES: &str = "Examples:
  poort signals status
  poort signals status --received stored.jsonl.zst

Which settings are active and since when, how many signals there are of each family, and how many were opened in each month. Of
one sidecar alone it says what that sidecar saw. How far a running sidecar is, its metrics say (`poort_signals_behind`).";

#[derive(Debug, Args)]
pub(in crate::commands) struct Arguments {
    #[command(flatten)]
    of: OfLog,
}

pub(super) fn run(Arguments { of }: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let (settings, history) = of.history(output)?;
    let zone = &settings.time_zone;
    let Some(active) = history.settings() else {
        output.conclude("signals are not looked for beside this log (`signals.enabled`)\n")?;
        return Ok(Exit::Done);
    };
    let mut shown = format!("settings  {} since {}\n", active.revision, minute(active.since, zone));
    match SettingsFiles::read(&settings.store.policies) {
        Ok(files) if files.revision.as_str() == active.revision => {
            shown
                .push_str(&format!("budget    {} signals for each 1 000 accounts and workday\n", files.per_thousand()));
        }
        Ok(_) => shown.push_str("the policy folder has other settings than those that are active\n"),
        Err(_) => shown.push_str("the policy folder has no settings that are valid\n"),
    }
    let heads = Status::ALL.map(|status| format!("{:>12}", status.name())).concat();
    shown.push_str(&format!("\n{:<10}{heads}\n", "family"));
    for family in Family::ALL {
        let count = |status: Status| {
            history.signals().filter(|it| it.text("family") == family.name() && it.status == status).count()
        };
        let counts = Status::ALL.map(|status| format!("{:>12}", count(status))).concat();
        shown.push_str(&format!("{:<10}{counts}\n", family.name()));
    }
    let mut months = BTreeMap::<String, usize>::new();
    for it in history.signals() {
        *months.entry(minute(it.opened(), zone).chars().take(7).collect()).or_default() += 1;
    }
    if !months.is_empty() {
        shown.push_str(&format!("\n{:<10}{:>8}\n", "month", "opened"));
        months.iter().for_each(|(month, count)| shown.push_str(&format!("{month:<10}{count:>8}\n")));
    }
    output.conclude(&shown)?;
    Ok(Exit::Done)
}
