//! `poort signals power`: how much each reason explains of real accesses, and of random ones.

use super::{Exit, Output, facts::Facts};
use crate::oversight::signals::{Power, Share};
use clap::Args;

pub(super) const EXAMPLES: &str = "Examples:
  poort signals power                                  the reasons of signals/*.cedar over the log in the data folder
  poort signals power --received stored.jsonl.zst --archive copy/revisions --seed 7

Each first access of an account to a record is judged twice: as it was, and as if another account of the log, drawn at random,
had asked the same. A good reason explains many of the first and few of the second. One that explains over a tenth of random
accesses deserves @weight(\"0.5\"); over half, it says nothing.";

#[derive(Debug, Args)]
pub(in crate::commands) struct Arguments {
    #[command(flatten)]
    facts: Facts,
    /// Draws the other accounts
    #[arg(long, default_value = "1", value_name = "N")]
    seed: u64,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let mut walk = arguments.facts.open(output)?;
    let mut power = Power::new(arguments.seed);
    walk.each(output, |reader, recorded| power.add(reader, recorded))?;
    let of = |part: u64, whole: u64| if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 };
    let line = |name: &str, share: &Share, advice: &str| {
        let (real, random) = (of(share.real, power.all.real), of(share.random, power.all.random));
        format!("{name:<32} {real:>7.1} % {random:>7.1} %  {advice}\n")
    };
    let mut shown = format!("{:<32} {:>9} {:>9}\n", "reason", "real", "random");
    for (reason, share) in &power.reasons {
        let advice = match of(share.random, power.all.random) {
            random if random > 50.0 => "says nothing: leave it out",
            random if random > 10.0 => "give it @weight(\"0.5\")",
            _ => "",
        };
        shown.push_str(&line(reason, share, advice));
    }
    shown.push_str(&line("any of them", &power.explained, ""));
    shown.push_str(&format!("{} first accesses\n", power.all.real));
    output.conclude(&shown)?;
    Ok(walk.ended(output))
}
