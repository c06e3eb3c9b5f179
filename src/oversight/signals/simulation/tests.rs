//! What a simulation promises.

use super::{
    Plan, Planted, Report, simulate,
    work::{Event, Work},
    world::World,
};
use crate::{oversight::signals::settings::SettingsFiles, sources::policy, types::problem::SourceFile};
use std::sync::Arc;

const SETTINGS: &str = include_str!("../../../../policies/signals/detectors.toml");

fn files() -> SettingsFiles {
    let file = SourceFile { name: Arc::from("detectors.toml"), text: Arc::from(SETTINGS) };
    SettingsFiles::of(&file, policy::Sources::from_texts("signals", [])).unwrap()
}

fn plan(seed: u64) -> Plan {
    let planted = Planted::read("pattern,accounts,per_day,on_days,own\nmole,3,6,all,no\none,2,1,1,no\n").unwrap();
    Plan { accounts: 500, days: 42, seed, missing: 0.05, operation: Some(34), planted, budget: None }
}

fn simulated(plan: &Plan) -> Report {
    simulate(&files(), plan, || {})
}

fn work(plan: &Plan) -> Work {
    Work::new(World::new(plan, &files().settings.peers), plan.missing, plan.operation)
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let written = |seed| serde_json::to_string(&simulated(&plan(seed))).unwrap();
    let first = written(7);
    assert_eq!(first, written(7));
    assert_ne!(first, written(8));
}

#[test]
fn planted_misuse_is_found_and_counts_apart() {
    let report = simulated(&plan(7));
    let [mole, one] = report.planted.as_slice() else { panic!("{report:?}") };
    assert_eq!((mole.accounts, one.accounts, one.found), (3, 2, 0), "{report:?}");
    assert!(mole.found >= 2, "those of intake are like their peers: {report:?}");
    assert!(mole.acts < Some(40.0) && mole.all_acts > Some(40.0) && one.all_acts == Some(1.0), "{report:?}");
    assert!(mole.hours > Some(1.0) && report.quiet.of_planted >= 2 && report.threshold.is_some());
    let none = simulated(&Plan { planted: Vec::new(), ..plan(7) });
    assert_eq!((none.quiet.of_planted, none.planted.len()), (0, 0));
}

#[test]
fn the_rate_is_that_of_false_signals_outside_the_operation() {
    let report = simulated(&Plan { budget: Some(30.0), operation: None, ..plan(7) });
    assert_eq!(report.weeks.iter().map(|week| (week.from, week.workdays)).collect::<Vec<_>>(), [(28, 5), (35, 5)]);
    let count = |week: &super::Week| week.false_signals.values().sum::<u32>();
    assert_eq!(count(&report.quiet), report.weeks.iter().map(count).sum::<u32>());
    let expected = f64::from(count(&report.quiet)) / 10.0 / (report.quiet.active as f64 / 1_000.0);
    assert!(expected > 1.0 && (report.quiet.per_thousand - expected).abs() < 1e-9, "{report:?}");
    let larger = simulated(&Plan { budget: Some(30.0), ..plan(7) });
    let outside = larger.quiet.per_thousand * 10.0 * larger.quiet.active as f64 / 1_000.0;
    assert!(outside <= f64::from(count(&larger.quiet)), "{larger:?}");
    assert_eq!(larger.operation.unwrap().accounts, 9, "2 % of 497");
}

#[test]
fn what_was_never_entered_is_missing_for_all_colleagues() {
    let plan = Plan { missing: 0.2, ..plan(7) };
    let mut work = work(&plan);
    let events: Vec<Event> = (0..5).flat_map(|day| work.day(day)).filter(|it| !it.planted && !it.consent).collect();
    let why = |event: &Event, account: usize| work.reason(&work.world.accounts[account], event.record, false, 50);
    let of_own_team = |event: &&Event| event.record >> 32 == u64::from(work.world.accounts[event.account].team);
    let own: Vec<_> = events.iter().filter(of_own_team).collect();
    let missing = own.iter().filter(|event| why(event, event.account).is_none()).count();
    assert!((0.15..0.25).contains(&(missing as f64 / own.len() as f64)), "{missing} of {}", own.len());
    for event in own.iter().filter(|event| why(event, event.account).is_none()) {
        let team = work.world.accounts[event.account].team;
        let mut colleagues = (0..work.world.accounts.len()).filter(|it| work.world.accounts[*it].team == team);
        assert!(colleagues.all(|colleague| why(event, colleague).is_none()));
    }
}

#[test]
fn times_step_back_and_days_are_in_order() {
    let mut work = work(&plan(7));
    let days: Vec<_> = (0..30).map(|day| work.day(day)).collect();
    let of_day = |number: i64, event: &Event| event.time.div_euclid(super::DAY) - number;
    for (number, events) in days.iter().enumerate() {
        assert!(events.iter().all(|event| of_day(number as i64, event).abs() <= 1));
        let strays = events.iter().filter(|event| of_day(number as i64, event) != 0).count();
        assert!(strays * 100 < events.len(), "{strays} of {}", events.len());
    }
    let steps = days.iter().flat_map(|events| events.windows(2)).map(|pair| pair[0].time - pair[1].time);
    let most = steps.max().unwrap();
    assert!((1..3_700_000).contains(&most), "clocks are off by seconds, and a sidecar was late by an hour: {most}");
}
