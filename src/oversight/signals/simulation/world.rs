//! The force: its accounts, with their functions, units and teams. Each number is an assumption; docs/signals.md names the large ones.

use super::{
    super::settings::Comparison,
    Plan,
    chance::Chance,
    planted::{Acts, Planted},
};
use std::sync::Arc;

/// Accounts of a district in the mean, and of a team. The largest district has three times as many as the smallest.
const DISTRICT: u32 = 1_500;
const TEAM: u32 = 15;

/// Organisations of partners.
const PARTNERS: usize = 12;

/// The share of accounts that have constantly more accesses without a reason, and how many times as many.
const PECULIAR: (f64, f64) = (0.01, 4.0);

/// The share of accounts that come within the time, that leave, and that move to another unit.
const COMES: f64 = 0.02;
const LEAVES: f64 = 0.02;
const MOVES: f64 = 0.02;

/// The share of accounts that a large operation has, and how many of these are of one district, if it has so many.
const OPERATION: f64 = 0.02;
const OF_ONE_DISTRICT: f64 = 0.5;

/// When a function works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hours {
    /// In three shifts, five days of seven.
    Shifts,
    /// From eight to five, and few at weekends.
    Office,
    /// Always.
    Always,
}

/// What accounts of a function do.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
    /// The share of accounts.
    share: f64,
    pub(super) hours: Hours,
    /// Questions on a day of work in the mean.
    pub(super) calls: f64,
    /// New records of a team on a day.
    pub(super) records: u64,
    /// The share of questions about records of the own team, of the own district, and of others with a consent. The rest has no
    /// known reason.
    pub(super) team: f64,
    pub(super) unit: f64,
    pub(super) consent: f64,
}

/// Intake has control rooms and desks in it, whose work is records of others.
#[rustfmt::skip]
const FUNCTIONS: [Function; 6] = [
    Function { name: "patrol", kind: "Officer", share: 0.4495, hours: Hours::Shifts, calls: 8.0, records: 20, team: 0.6, unit: 0.3, consent: 0.07 },
    Function { name: "investigation", kind: "Officer", share: 0.22, hours: Hours::Office, calls: 14.0, records: 20, team: 0.8, unit: 0.1, consent: 0.06 },
    Function { name: "intake", kind: "Officer", share: 0.1, hours: Hours::Shifts, calls: 30.0, records: 60, team: 0.1, unit: 0.25, consent: 0.15 },
    Function { name: "support", kind: "Officer", share: 0.15, hours: Hours::Office, calls: 4.0, records: 10, team: 0.5, unit: 0.35, consent: 0.13 },
    Function { name: "partner", kind: "Partner", share: 0.08, hours: Hours::Office, calls: 6.0, records: 10, team: 0.8, unit: 0.0, consent: 0.15 },
    Function { name: "system", kind: "System", share: 0.0005, hours: Hours::Always, calls: 400.0, records: 400, team: 0.99, unit: 0.0, consent: 0.0 },
];

/// An account.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) function: &'static Function,
    pub(super) team: u32,
    /// How much it works, in parts of the mean of its function, and how much of that has no reason.
    pub(super) work: f64,
    pub(super) foreign: f64,
    /// Its first day, and the one after its last.
    pub(super) days: (u32, u32),
    /// The day on which it moves, and to which team.
    pub(super) moves: Option<(u32, u32)>,
    pub(super) peers: Arc<[String]>,
    /// Records that it had recently, and whether a consent is for them.
    pub(super) recent: [Option<(u64, bool)>; 6],
    pub(super) in_operation: bool,
    pub(super) acts: Option<Acts>,
}

/// A team: its unit and function.
pub(super) type Team = (usize, &'static Function);

/// The force.
#[derive(Debug)]
pub(super) struct World {
    pub(super) chance: Chance,
    pub(super) accounts: Vec<Account>,
    pub(super) teams: Vec<Team>,
    /// The names of units: districts, organisations of partners, and one of systems. With the numbers of their teams.
    pub(super) units: Vec<(String, Vec<u32>)>,
    /// With whom accounts are compared.
    comparison: Comparison,
}

impl World {
    pub(super) fn new(plan: &Plan, comparison: &Comparison) -> Self {
        let mut chance = Chance::new(plan.seed);
        let sizes: Vec<_> = (0..plan.accounts.div_ceil(DISTRICT).max(2)).map(|_| 0.5 + chance.share()).collect();
        let units = (1..=sizes.len()).map(|number| format!("district-{number}"));
        let units = units.chain((1..=PARTNERS).map(|number| format!("partner-{number}"))).chain(["systems".to_owned()]);
        let units = units.map(|name| (name, Vec::new())).collect();
        let (accounts, teams, comparison) = (Vec::new(), Vec::new(), comparison.clone());
        let mut world = Self { chance, accounts, teams, units, comparison };
        for function in &FUNCTIONS {
            let (first, sizes) = match function.kind {
                "Officer" => (0, sizes.clone()),
                "Partner" => (sizes.len(), vec![1.0; PARTNERS]),
                _ => (sizes.len() + PARTNERS, vec![1.0]),
            };
            let share = f64::from(plan.accounts) * function.share / sizes.iter().sum::<f64>();
            for (place, size) in sizes.iter().enumerate() {
                world.unit(first + place, function, (share * size).round().max(1.0) as u32, plan.days);
            }
        }
        world.move_some(plan.days);
        if plan.operation.is_some() {
            world.draft();
        }
        world
    }

    /// The accounts of a function in a unit, in teams.
    fn unit(&mut self, unit: usize, function: &'static Function, size: u32, days: u32) {
        let peers = self.peers(unit, function);
        for number in 0..size {
            if number.is_multiple_of(TEAM) {
                let team = self.teams.len() as u32;
                self.teams.push((unit, function));
                self.units.get_mut(unit).into_iter().for_each(|(_, teams)| teams.push(team));
            }
            let chance = &mut self.chance;
            let comes = if chance.happens(COMES) { chance.below(days as usize) as u32 } else { 0 };
            let leaves = if chance.happens(LEAVES) { chance.below(days as usize) as u32 } else { days };
            let peculiar = if chance.happens(PECULIAR.0) { PECULIAR.1 } else { 1.0 };
            let name = format!("{}::\"{:06}\"", function.kind, self.accounts.len() + 1);
            let is_alone = self.comparison.itself.iter().any(|kind| kind == function.kind);
            let peers = if is_alone { Arc::from([name.clone()]) } else { Arc::clone(&peers) };
            self.accounts.push(Account {
                name,
                function,
                team: (self.teams.len() - 1) as u32,
                work: chance.gamma(2),
                foreign: chance.gamma(3) * peculiar,
                days: (comes, leaves),
                moves: None,
                peers,
                recent: [None; 6],
                in_operation: false,
                acts: None,
            });
        }
    }

    /// The groups of accounts of a function in a unit, with the names that a reader of a directory gives them. What the force has not
    /// ends them.
    pub(super) fn peers(&self, unit: usize, function: &Function) -> Arc<[String]> {
        let unit = self.units.get(unit).map_or("", |(name, _)| name);
        let is_police = function.kind != "Partner";
        let values = self.comparison.same.iter().map_while(|name| match name.as_str() {
            "organisation" => Some(if is_police { "police" } else { unit }),
            "function" => Some(function.name),
            "unit" => is_police.then_some(unit),
            _ => None,
        });
        let mut groups = vec![function.kind.to_owned()];
        for value in values {
            groups.push(format!("{} · {value}", groups.last().map_or("", String::as_str)));
        }
        groups.reverse();
        groups.into()
    }

    /// Some accounts move to a team of their function elsewhere.
    fn move_some(&mut self, days: u32) {
        let Self { accounts, teams, chance, .. } = self;
        for account in accounts.iter_mut().filter(|it| it.function.kind == "Officer") {
            if chance.happens(MOVES) {
                let day = chance.below(days as usize) as u32;
                let mut drawn = (0..100).map(|_| chance.below(teams.len()));
                let is_like = |team: &usize| teams.get(*team).is_some_and(|(_, it)| it.name == account.function.name);
                account.moves = drawn.find(is_like).map(|team| (day, team as u32));
            }
        }
    }

    /// Moves an account, if this is its day.
    pub(super) fn move_to_new_team(&mut self, place: usize, day: u32) {
        let moves = self.accounts.get_mut(place).and_then(|account| account.moves.take_if(|(on, _)| *on <= day));
        let Some((_, team)) = moves else { return };
        let Some((unit, function)) = self.teams.get(team as usize).copied() else { return };
        let peers = self.peers(unit, function);
        if let Some(account) = self.accounts.get_mut(place) {
            (account.team, account.peers) = (team, peers);
        }
    }

    /// Takes accounts of patrol and investigation into the operation: many of one district, the others of all.
    fn draft(&mut self) {
        let Self { accounts, teams, chance, .. } = self;
        let wanted = (accounts.len() as f64 * OPERATION) as usize;
        let mut of_one = (wanted as f64 * OF_ONE_DISTRICT) as usize;
        let mut left = wanted - of_one;
        let can = |it: &Account| !it.in_operation && ["patrol", "investigation"].contains(&it.function.name);
        for account in accounts.iter_mut().filter(|it| can(it)) {
            if of_one > 0 && teams.get(account.team as usize).is_some_and(|(unit, _)| *unit == 0) {
                (account.in_operation, of_one) = (true, of_one - 1);
            }
        }
        left += of_one;
        for _ in 0..accounts.len() * 100 {
            let place = chance.below(accounts.len());
            if left > 0
                && let Some(account) = accounts.get_mut(place).filter(|it| can(it))
            {
                (account.in_operation, left) = (true, left - 1);
            }
        }
    }

    /// Plants each pattern in accounts of people that are there all the time. The first day is drawn from those after the baseline from
    /// which on the others are likely to fit.
    pub(super) fn plant(&mut self, planted: &[Planted], baseline: u32, days: u32) {
        let Self { accounts, chance, .. } = self;
        let is_regular = |it: &Account| it.function.kind != "System" && it.days == (0, days) && it.moves.is_none();
        let mut free: Vec<_> = (0..accounts.len()).filter(|it| accounts.get(*it).is_some_and(is_regular)).collect();
        for (pattern, Planted { accounts: wanted, pace, days: on, records, .. }) in planted.iter().enumerate() {
            for _ in 0..*wanted {
                if free.is_empty() {
                    return;
                }
                let place = free.swap_remove(chance.below(free.len()));
                let last = days.saturating_sub(on.unwrap_or(0) * 2).max(baseline + 1);
                let from = on.map_or(0, |_| baseline + chance.below((last - baseline) as usize) as u32);
                if let Some(account) = accounts.get_mut(place) {
                    account.acts = Some(Acts { pattern, pace: *pace, records: *records, from, left: *on });
                }
            }
        }
    }
}
