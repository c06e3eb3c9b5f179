//! `poort signals tune`: how many signals a log has under several budgets.

use super::{Exit, Output, facts::Facts};
use crate::oversight::signals::{Change, Detection, Family};
use clap::Args;

pub(super) const EXAMPLES: &str = "Examples:
  poort signals tune                                   0.1, 0.3, 1 and 3 signals for each 1 000 accounts and workday
  poort signals tune --budget 0.2,0.4 --received stored.jsonl.zst --archive copy/revisions

For each budget: the score that a signal needs at the end, the signals that were opened after the baseline, and how many that is for each
1 000 accounts and workday. Rules are counted apart: no budget bounds them. The budget is what people can look at; a lower one needs a
higher score. It is `per_thousand` in signals/detectors.toml.";

#[derive(Debug, Args)]
pub(in crate::commands) struct Arguments {
    /// Signals for each 1 000 active accounts and workday
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', default_value = "0.1,0.3,1,3")]
    budget: Vec<f64>,
    #[command(flatten)]
    facts: Facts,
}

pub(super) fn run(Arguments { budget, facts }: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    if let Some(wrong) = budget.iter().find(|budget| !(budget.is_finite() && **budget > 0.0 && **budget <= 1e3)) {
        output.error(&format!("--budget: `{wrong}` is not above 0 and at most 1000"));
        return Err(Exit::Usage);
    }
    let mut walk = facts.open(output)?;
    let mut tried: Vec<_> =
        budget.iter().map(|budget| (budget, Detection::with_budget(&walk.files, *budget), 0_u32, 0_u32)).collect();
    walk.each(output, |reader, recorded| {
        for fact in reader.facts(recorded)? {
            for (_, detection, opened, of_rules) in &mut tried {
                for signal in detection.step(&fact) {
                    let of = if signal.family == Family::Exact { &mut *of_rules } else { &mut *opened };
                    *of += u32::from(signal.change == Change::Opened);
                }
            }
        }
        Ok(())
    })?;
    let mut shown = format!("{:>8} {:>8} {:>8} {:>24}\n", "budget", "score", "signals", "for 1 000 and workday");
    for (budget, detection, opened, _) in &tried {
        let Some((threshold, days)) = detection.threshold().zip(detection.days_after_baseline()) else { continue };
        let workdays = f64::from(days) * 5.0 / 7.0;
        let rate = f64::from(*opened) / (detection.accounts() as f64 / 1_000.0) / workdays.max(1.0);
        shown.push_str(&format!("{budget:>8} {threshold:>8.1} {opened:>8} {rate:>24.2}\n"));
    }
    match tried.first() {
        Some((_, detection, _, of_rules)) if detection.threshold().is_some() => {
            output.conclude(&shown)?;
            output.tell(&format!("{} accounts; rules opened {of_rules} signals", detection.accounts()));
        }
        _ => output.error("the log is shorter than the baseline (`baseline_days`), so only rules signal"),
    }
    Ok(walk.ended(output))
}
