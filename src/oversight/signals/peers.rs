//! Peers: groups of accounts with like work, and what is usual in them.
//!
//! What an account-day can add is bounded, and old days fade, so that nobody moves what is usual for others by much.

use super::tail::Share;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// By how much a day counts less than the next: half after 28 days.
pub(super) const FADING: f64 = 0.975_548;

/// How many accesses the share of all accounts weighs within a group.
const PRIOR: f64 = 50.0;

/// The share before anything is known.
const FIRST: f64 = 0.05;

/// How many of an account's unexplained accesses, or denies, of one day count for what is usual.
const MOST: f64 = 2.0;

/// The part of accounts that excuse each other: those who do wrong are fewer.
const MOST_ACCOUNTS: f64 = 0.75;

/// Accounts never differ less than so: a spread of less is one that was not seen yet.
const SPREAD: f64 = 0.1;

/// How much the least spread weighs for a start: at a share of 5 %, as twenty days of five accesses each.
const SPREAD_PRIOR: f64 = 20.0;

/// A part of a whole among peers.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Part {
    part: f64,
    whole: f64,
    /// What the squares of the days are off the mean beyond chance, and what they would be if each day had one kind alone.
    beyond: f64,
    most_beyond: f64,
}

impl Part {
    /// Adds a day, where this share is usual. One with more than its bound is as a smaller one with the same share.
    fn add(&mut self, part: f64, whole: f64, most_part: f64, most: f64, usual: f64) {
        let weight = weight(part, whole, most_part, most);
        let (part, whole, each) = (part * weight, whole * weight, usual * (1.0 - usual));
        self.part += part;
        self.whole += whole;
        self.beyond += (part - whole * usual).powi(2) - whole * each;
        self.most_beyond += whole * (whole - 1.0).max(0.0) * each;
    }

    /// The share, with that of all accounts for a start.
    pub(super) fn mean(&self, all: &Self) -> f64 {
        let of_all = (all.part + PRIOR * FIRST) / (all.whole + PRIOR);
        (self.part + PRIOR * of_all) / (self.whole + PRIOR)
    }

    /// What is usual, by the moments of the days.
    pub(super) fn share(&self, all: &Self) -> Share {
        let spread = (self.beyond.max(0.0) + SPREAD_PRIOR * SPREAD) / (self.most_beyond + SPREAD_PRIOR);
        Share { mean: self.mean(all), spread: spread.clamp(SPREAD, 0.8) }
    }

    fn fade(&mut self) {
        for number in [&mut self.part, &mut self.whole, &mut self.beyond, &mut self.most_beyond] {
            *number *= FADING;
        }
    }
}

/// What a day weighs, by its bounds.
fn weight(part: f64, whole: f64, most_part: f64, most: f64) -> f64 {
    (most_part / part).min(most / whole).min(1.0)
}

/// A number of each account-day among peers.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Count {
    days: f64,
    sum: f64,
    squares: f64,
}

impl Count {
    pub(super) fn add(&mut self, number: f64) {
        self.days += 1.0;
        self.sum += number;
        self.squares += number * number;
    }

    /// A day is over.
    pub(super) fn fade(&mut self) {
        for number in [&mut self.days, &mut self.sum, &mut self.squares] {
            *number *= FADING;
        }
    }

    pub(super) fn mean(&self) -> f64 {
        if self.days > 0.0 { self.sum / self.days } else { 0.0 }
    }

    pub(super) fn variance(&self) -> f64 {
        if self.days > 0.0 { (self.squares / self.days - self.mean().powi(2)).max(0.0) } else { 0.0 }
    }

    /// Five times what is usual: the most of a day that counts.
    fn bound(&self) -> f64 {
        if self.days > 0.0 { self.mean().max(1.0) * 5.0 } else { f64::INFINITY }
    }
}

/// What an account did on one day.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct DayOfAccount {
    /// Calls with a record that it had no access to before.
    pub(super) first: f64,
    /// Of those, with one for which there is no reason.
    pub(super) unexplained: f64,
    /// Calls.
    pub(super) asked: f64,
    /// Of those, with a denied question.
    pub(super) denied: f64,
    /// Calls with a question that was denied before, and allowed under something else.
    pub(super) retried: f64,
    /// The most calls within ten minutes or so.
    pub(super) busiest: f64,
    /// Records that were asked about after another of their series.
    pub(super) steps: f64,
    /// Of those, with a number near to the one before.
    pub(super) near: f64,
    /// Of those, in a run that there was.
    pub(super) onward: f64,
    /// How many records the longest run has.
    pub(super) run: f64,
}

/// The most of a day of an account that counts for others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Of a part without a reason, denied, or retried.
    part: f64,
    first: f64,
    asked: f64,
    busiest: f64,
    near: f64,
}

impl Bounds {
    /// Five times what half of the accounts of a day have at most.
    pub(super) fn of(days: &[DayOfAccount]) -> Self {
        let bound = |of: &dyn Fn(&DayOfAccount) -> f64| {
            let mut numbers: Vec<_> = days.iter().map(of).collect();
            numbers.sort_by(f64::total_cmp);
            numbers.get(numbers.len() / 2).copied().unwrap_or_default().max(1.0) * 5.0
        };
        Self {
            part: MOST,
            first: bound(&|day| day.first),
            asked: bound(&|day| day.asked),
            busiest: bound(&|day| day.busiest),
            near: bound(&|day| day.near),
        }
    }

    /// Five times what is usual for an account by itself.
    fn of_itself(group: &Group) -> Self {
        let (part, asked, near) = (f64::INFINITY, f64::INFINITY, f64::INFINITY);
        Self { part, first: group.first.bound(), asked, busiest: group.busiest.bound(), near }
    }
}

/// The bounds of a day, by the groups that accounts are compared with.
#[derive(Debug)]
pub(super) struct BoundsOfDay {
    of_groups: HashMap<GroupId, Bounds>,
    all: Bounds,
}

impl BoundsOfDay {
    /// Those of a group.
    pub(super) fn of(&self, group: Option<GroupId>) -> &Bounds {
        group.and_then(|id| self.of_groups.get(&id)).unwrap_or(&self.all)
    }
}

/// What is usual in a group.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Group {
    pub(super) unexplained: Part,
    today: Today,
    pub(super) denied: Part,
    pub(super) retried: Part,
    pub(super) first: Count,
    pub(super) busiest: Count,
    /// Steps to a near number, of all.
    pub(super) near: Part,
    /// Steps that go on with a run, of those to a near number.
    pub(super) onward: Part,
    /// How many accounts were active on enough days to be compared with.
    pub(super) accounts: u32,
}

/// First accesses of today, in a group.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Today {
    unexplained: Part,
    /// Accounts with a first access.
    accounts: f64,
    /// Of those, with one for which there is no reason.
    without_reason: f64,
}

impl Group {
    fn add(&mut self, day: &DayOfAccount, most: &Bounds, all: &Self) {
        let Bounds { part, first, asked, busiest, near } = *most;
        self.unexplained.add(day.unexplained, day.first, part, first, self.unexplained.mean(&all.unexplained));
        self.denied.add(day.denied, day.asked, part, asked, self.denied.mean(&all.denied));
        self.retried.add(day.retried, day.asked, part, asked, self.retried.mean(&all.retried));
        self.near.add(day.near, day.steps, near, asked, self.near.mean(&all.near));
        self.onward.add(day.onward, day.near, near, near, self.onward.mean(&all.onward));
        self.first.add(day.first.min(first));
        self.busiest.add(day.busiest.min(busiest));
    }

    /// The day of an account went on.
    fn go_on(&mut self, before: &DayOfAccount, day: &DayOfAccount) {
        let most = self.first.bound();
        for (day, sign) in [(before, -1.0), (day, 1.0)] {
            let counts = weight(day.unexplained, day.first, MOST, most) * sign;
            self.today.unexplained.part += day.unexplained * counts;
            self.today.unexplained.whole += day.first * counts;
            self.today.accounts += if day.first > 0.0 { sign } else { 0.0 };
            self.today.without_reason += if day.unexplained > 0.0 { sign } else { 0.0 };
        }
    }

    /// What is usual of accesses without a reason. That is the share of today, if it is twice that of the days before, and most
    /// accounts have such accesses: as on a day on which no assignments came in. Those who do wrong together do not excuse each other.
    ///
    /// In a group with fewer than `least` accounts today, all accounts say it.
    pub(super) fn usual(&self, everybody: &Self, least: u32) -> (Share, bool) {
        let usual = self.unexplained.share(&everybody.unexplained);
        let is_large = self.today.accounts >= f64::from(least);
        let Today { accounts, without_reason, unexplained } = if is_large { &self.today } else { &everybody.today };
        let mean = unexplained.mean(&everybody.today.unexplained);
        // Few excuse nobody: the first of a day would excuse themselves.
        let are_most = *accounts >= f64::from(least) && *without_reason >= *accounts * MOST_ACCOUNTS;
        let is_without_reasons = are_most && mean > usual.mean * 2.0;
        if is_without_reasons { (Share { mean, ..usual }, true) } else { (usual, false) }
    }

    fn fade(&mut self) {
        let parts = [&mut self.unexplained, &mut self.denied, &mut self.retried, &mut self.near, &mut self.onward];
        parts.into_iter().for_each(Part::fade);
        self.first.fade();
        self.busiest.fade();
    }
}

/// The place of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct GroupId(usize);

/// All groups.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Peers {
    everybody: Group,
    groups: Vec<(String, Group)>,
    #[serde(skip)]
    places: HashMap<String, GroupId>,
    /// How many accounts a group needs.
    accounts: u32,
}

impl Peers {
    /// Groups need so many accounts to be compared with.
    pub(super) fn new(accounts: u32) -> Self {
        Self { everybody: Group::default(), groups: Vec::new(), places: HashMap::new(), accounts }
    }

    /// Finds groups by their names again, which are not kept twice.
    pub(super) fn index(&mut self) {
        let places = self.groups.iter().enumerate().map(|(place, (name, _))| (name.clone(), GroupId(place)));
        self.places = places.collect();
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

    /// The finest group that is large enough, else everybody, whose name is empty: in a small group an account would be compared
    /// with itself.
    pub(super) fn nearest(&self, groups: &[GroupId]) -> (&str, &Group) {
        let large = self.nearest_id(groups).and_then(|id| self.groups.get(id.0));
        large.map_or(("", &self.everybody), |(name, group)| (name, group))
    }

    /// The finest group that is large enough.
    pub(super) fn nearest_id(&self, groups: &[GroupId]) -> Option<GroupId> {
        let is_large = |id: &&GroupId| self.groups.get(id.0).is_some_and(|(_, group)| group.accounts >= self.accounts);
        groups.iter().find(is_large).copied()
    }

    /// The bounds of a day: those of each group that has enough accounts on it, and those of all. What is much for all accounts is
    /// usual where it is the work.
    pub(super) fn bounds<'p>(&self, days: impl Iterator<Item = (&'p [GroupId], DayOfAccount)>) -> BoundsOfDay {
        let mut of_groups = HashMap::<GroupId, Vec<DayOfAccount>>::new();
        let mut all = Vec::new();
        for (groups, day) in days {
            all.push(day);
            if let Some(id) = self.nearest_id(groups) {
                of_groups.entry(id).or_default().push(day);
            }
        }
        of_groups.retain(|_, days| days.len() >= self.accounts as usize);
        let of_groups = of_groups.into_iter().map(|(id, days)| (id, Bounds::of(&days))).collect();
        BoundsOfDay { of_groups, all: Bounds::of(&all) }
    }

    /// Adds a day of an account of these groups.
    pub(super) fn add(&mut self, groups: &[GroupId], day: &DayOfAccount, most: &Bounds) {
        let all = self.everybody;
        self.each(groups, |group| group.add(day, most, &all));
    }

    /// The group of an account that is compared with its own earlier days.
    pub(super) fn itself(&self, groups: &[GroupId]) -> Option<&Group> {
        groups.first().and_then(|id| self.groups.get(id.0)).map(|(_, group)| group)
    }

    /// Adds a day of an account that is compared with its own earlier days.
    pub(super) fn add_to_itself(&mut self, groups: &[GroupId], day: &DayOfAccount) {
        if let Some((_, group)) = groups.first().and_then(|id| self.groups.get_mut(id.0)) {
            group.add(day, &Bounds::of_itself(group), &group.clone());
        }
    }

    /// An account is, or is not any more, one to compare with.
    pub(super) fn count(&mut self, groups: &[GroupId], comes: bool) {
        self.each(groups, |group| {
            group.accounts = if comes { group.accounts + 1 } else { group.accounts.saturating_sub(1) };
        });
    }

    /// The day of an account of these groups went on.
    pub(super) fn go_on(&mut self, groups: &[GroupId], before: &DayOfAccount, day: &DayOfAccount) {
        self.each(groups, |group| group.go_on(before, day));
    }

    /// A new day begins.
    pub(super) fn begin_day(&mut self) {
        self.everybody.today = Today::default();
        self.groups.iter_mut().for_each(|(_, group)| group.today = Today::default());
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
        assert_eq!(peers.nearest(&station).0, "", "none is large enough");
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
                let most = Bounds::of(&[day(10.0, 0.4); 21]);
                (0..20).for_each(|_| peers.add(&group, &day(10.0, 0.4), &most));
                peers.add(&group, &day(bad, bad), &most);
                peers.fade();
            }
            peers.nearest(&group).1.unexplained.mean(&peers.everybody().unexplained)
        };
        let (without, with) = (usual(0.0), usual(1_000.0));
        assert!((0.035..0.05).contains(&without), "{without}");
        assert!(with < without + 0.012, "{with}");
    }

    #[test]
    fn much_misuse_does_not_make_usual_days_differ() {
        let spread = |misused: usize| {
            let mut usual = Part::default();
            for account in 0..100 {
                // Half of the accounts have one of five without a reason; some misuse a whole day.
                let (part, whole) = if account < misused { (40.0, 45.0) } else { (f64::from(account % 2 == 0), 5.0) };
                usual.add(part, whole, MOST, 20.0, 0.1);
            }
            usual.share(&usual).spread
        };
        assert!(spread(10) < 0.2, "{}", spread(10));
    }

    #[test]
    fn only_most_of_a_group_say_that_a_day_was_unusual() {
        let of_day = |without_reason: usize, least: u32| {
            let mut peers = Peers::new(1);
            let group = peers.of(&names(&["officer"]));
            let others = peers.of(&names(&["clerk"]));
            let days: Vec<_> = (0..100)
                .map(|account| DayOfAccount {
                    first: 4.0,
                    unexplained: if account < without_reason { 2.0 } else { 0.0 },
                    ..DayOfAccount::default()
                })
                .collect();
            let none = DayOfAccount::default();
            days.iter().for_each(|day| peers.go_on(&group, &none, day));
            let explained = DayOfAccount { first: 4.0, ..none };
            (0..100).for_each(|_| peers.go_on(&others, &none, &explained));
            let (usual, is_without_reasons) = peers.groups[0].1.usual(peers.everybody(), least);
            is_without_reasons.then_some(usual.mean)
        };
        assert_eq!(of_day(70, 20), None, "fewer of them do not excuse each other");
        let share = of_day(80, 20).unwrap();
        assert!((0.33..0.42).contains(&share), "{share}");
        assert_eq!(of_day(80, 101), None, "few do not, where all others had reasons");
        assert_eq!(of_day(100, 201), None, "nor does anybody while too few had anything today");
    }

    #[test]
    fn what_is_much_for_all_is_usual_where_it_is_the_work() {
        let mean = |n_dispatchers: usize| {
            let mut peers = Peers::new(20);
            let (clerk, dispatcher) = (peers.of(&names(&["clerk"])), peers.of(&names(&["dispatcher"])));
            (0..60).for_each(|_| peers.count(&clerk, true));
            (0..20).for_each(|_| peers.count(&dispatcher, true));
            let work = |first| DayOfAccount { first, ..DayOfAccount::default() };
            let mut days = vec![(&*clerk, work(4.0)); 60];
            days.extend(vec![(&*dispatcher, work(60.0)); n_dispatchers]);
            let bounds = peers.bounds(days.iter().copied());
            for (groups, day) in days {
                let most = bounds.of(peers.nearest_id(groups));
                peers.add(groups, &day, most);
            }
            peers.nearest(&dispatcher).1.first.mean()
        };
        assert_eq!(mean(20), 60.0);
        assert_eq!(mean(19), 20.0, "too few say nothing of their work");
    }

    #[test]
    fn one_account_hides_no_other_by_much_work() {
        let work = |asked, denied, busiest| DayOfAccount { asked, denied, busiest, ..DayOfAccount::default() };
        let usual = |script: DayOfAccount| {
            let mut peers = Peers::new(1);
            let mut days = vec![work(40.0, 0.4, 5.0); 20];
            days.push(script);
            let most = Bounds::of(&days);
            days.iter().for_each(|day| peers.add(&[], day, &most));
            let Group { denied, busiest, .. } = peers.everybody();
            (denied.mean(denied), busiest.mean())
        };
        let (share, mean) = usual(work(40.0, 0.4, 5.0));
        let (of_script, beside) = usual(work(100_000.0, 0.0, 100_000.0));
        assert!(of_script > share / 1.5, "{of_script} {share}");
        assert!(beside < mean * 1.3, "{beside} {mean}");
    }
}
