//! Peers: groups of accounts with like work, and what is usual in them.
//!
//! What an account-day can add is bounded, and old days fade, so that nobody moves what is usual for others by much.

use std::collections::HashMap;

/// By how much a day counts less than the next: half after 28 days.
pub(super) const FADING: f64 = 0.975_548;

/// How many accesses the share of all accounts weighs within a group.
const PRIOR: f64 = 50.0;

/// The share before anything is known.
const FIRST: f64 = 0.05;

/// How many of an account's unexplained accesses, or denies, of one day count for what is usual.
const MOST: f64 = 2.0;

/// A part of a whole among peers.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Part {
    part: f64,
    whole: f64,
}

impl Part {
    /// A day with more than its bound keeps its share, and weighs less.
    fn add(&mut self, part: f64, whole: f64) {
        let weight = if part > MOST { MOST / part } else { 1.0 };
        self.part += part * weight;
        self.whole += whole * weight;
    }

    /// The share, with that of all accounts for a start.
    pub(super) fn share(&self, all: &Self) -> f64 {
        let of_all = (all.part + PRIOR * FIRST) / (all.whole + PRIOR);
        (self.part + PRIOR * of_all) / (self.whole + PRIOR)
    }
}

/// A number of each account-day among peers.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Count {
    days: f64,
    sum: f64,
    squares: f64,
}

impl Count {
    fn add(&mut self, number: f64) {
        self.days += 1.0;
        self.sum += number;
        self.squares += number * number;
    }

    pub(super) fn mean(&self) -> f64 {
        if self.days > 0.0 { self.sum / self.days } else { 0.0 }
    }

    pub(super) fn variance(&self) -> f64 {
        if self.days > 0.0 { (self.squares / self.days - self.mean().powi(2)).max(0.0) } else { 0.0 }
    }
}

/// What an account did on one day.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct DayOfAccount {
    /// Records that it had access to and never before; those of a batch are one.
    pub(super) first: f64,
    /// Of those, without a reason.
    pub(super) unexplained: f64,
    /// Questions.
    pub(super) asked: f64,
    /// Of those, denied.
    pub(super) denied: f64,
    /// The most questions within ten minutes or so.
    pub(super) busiest: f64,
}

/// What is usual in a group.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Group {
    pub(super) unexplained: Part,
    pub(super) denied: Part,
    pub(super) first: Count,
    pub(super) busiest: Count,
    /// How many accounts were active on enough days to be compared with.
    pub(super) accounts: u32,
}

impl Group {
    fn add(&mut self, day: &DayOfAccount, most: f64) {
        self.unexplained.add(day.unexplained, day.first.min(most));
        self.denied.add(day.denied, day.asked);
        self.first.add(day.first.min(most));
        self.busiest.add(day.busiest);
    }

    fn fade(&mut self) {
        for number in [
            &mut self.unexplained.part,
            &mut self.unexplained.whole,
            &mut self.denied.part,
            &mut self.denied.whole,
            &mut self.first.days,
            &mut self.first.sum,
            &mut self.first.squares,
            &mut self.busiest.days,
            &mut self.busiest.sum,
            &mut self.busiest.squares,
        ] {
            *number *= FADING;
        }
    }
}

/// The place of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GroupId(usize);

/// All groups.
#[derive(Debug)]
pub(super) struct Peers {
    everybody: Group,
    groups: Vec<(String, Group)>,
    places: HashMap<String, GroupId>,
    /// How many accounts a group needs.
    accounts: u32,
}

impl Peers {
    /// Groups need so many accounts to be compared with.
    pub(super) fn new(accounts: u32) -> Self {
        Self { everybody: Group::default(), groups: Vec::new(), places: HashMap::new(), accounts }
    }

    /// The groups of these names.
    pub(super) fn of(&mut self, names: &[String]) -> Box<[GroupId]> {
        let find = |name: &String| {
            *self.places.entry(name.clone()).or_insert_with(|| {
                self.groups.push((name.clone(), Group::default()));
                GroupId(self.groups.len() - 1)
            })
        };
        names.iter().map(find).collect()
    }

    /// All accounts.
    pub(super) const fn everybody(&self) -> &Group {
        &self.everybody
    }

    /// The finest group that is large enough, else the coarsest.
    pub(super) fn nearest(&self, groups: &[GroupId]) -> (&str, &Group) {
        let mut known = groups.iter().filter_map(|id| self.groups.get(id.0));
        let last = known.clone().next_back();
        let large = known.find(|(_, group)| group.accounts >= self.accounts);
        large.or(last).map_or(("", &self.everybody), |(name, group)| (name, group))
    }

    /// Adds a day of an account of these groups. `most`: more first accesses count as so many.
    pub(super) fn add(&mut self, groups: &[GroupId], day: &DayOfAccount, most: f64) {
        self.each(groups, |group| group.add(day, most));
    }

    /// An account is, or is not any more, one to compare with.
    pub(super) fn count(&mut self, groups: &[GroupId], comes: bool) {
        self.each(groups, |group| {
            group.accounts = if comes { group.accounts + 1 } else { group.accounts.saturating_sub(1) };
        });
    }

    /// A day is over.
    pub(super) fn fade(&mut self) {
        self.everybody.fade();
        self.groups.iter_mut().for_each(|(_, group)| group.fade());
    }

    fn each(&mut self, groups: &[GroupId], mut act: impl FnMut(&mut Group)) {
        act(&mut self.everybody);
        for id in groups {
            if let Some((_, group)) = self.groups.get_mut(id.0) {
                act(group);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_finest_group_that_is_large_enough_is_taken() {
        let mut peers = Peers::new(2);
        let station = peers.of(&names(&["officer/patrol/station-1", "officer/patrol", "officer"]));
        assert_eq!(peers.nearest(&station).0, "officer", "none is large enough");
        peers.count(&station, true);
        let other = peers.of(&names(&["officer/patrol/station-2", "officer/patrol", "officer"]));
        peers.count(&other, true);
        assert_eq!(peers.nearest(&station).0, "officer/patrol");
        peers.count(&station, true);
        assert_eq!(peers.nearest(&station).0, "officer/patrol/station-1");
        peers.count(&station, false);
        assert_eq!(peers.nearest(&station).0, "officer/patrol");
    }

    #[test]
    fn one_account_moves_what_is_usual_by_little() {
        let day = |first, unexplained| DayOfAccount { first, unexplained, ..DayOfAccount::default() };
        let usual = |bad: f64| {
            let mut peers = Peers::new(1);
            let group = peers.of(&names(&["officer"]));
            for _ in 0..28 {
                (0..20).for_each(|_| peers.add(&group, &day(10.0, 0.4), 50.0));
                peers.add(&group, &day(bad, bad), 50.0);
                peers.fade();
            }
            peers.nearest(&group).1.unexplained.share(&peers.everybody().unexplained)
        };
        let (without, with) = (usual(0.0), usual(1_000.0));
        assert!((0.035..0.05).contains(&without), "{without}");
        assert!(with < without + 0.012, "{with}");
    }
}
