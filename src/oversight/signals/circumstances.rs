//! Circumstances: what makes an act say more, such as the hour. They add to a score, and say nothing by themselves.
//!
//! Hours are those of peers alone: an account that always asks at night would have usual nights otherwise.

use super::{
    fact::Fact,
    peers::{FADING, GroupId},
    profile::Profile,
    settings::Circumstantial,
    signal::{Circumstance, Family},
};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The hours of a week.
const HOURS: usize = 168;

/// How many account-days the hours of all accounts weigh within a group.
const PRIOR: f64 = 50.0;

/// Hours with up to so many times the work are as rare: else one of many equal hours would be the rarest by chance.
const ALIKE: f64 = 2.0;

/// The circumstances of an act.
#[derive(Debug, Default)]
pub(super) struct Around {
    /// The families in which the act says something.
    families: Vec<Family>,
    circumstances: Vec<Circumstance>,
    score: f64,
}

impl Around {
    /// What they add to the score of a family.
    pub(super) fn of(&self, family: Family) -> f64 {
        if self.families.contains(&family) { self.score } else { 0.0 }
    }

    /// Those that add to it.
    pub(super) fn named(&self, family: Family) -> Vec<Circumstance> {
        if self.families.contains(&family) { self.circumstances.clone() } else { Vec::new() }
    }
}

/// In which hours of the week accounts ask, as account-days, those of long ago for less.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Hours {
    everybody: Vec<f32>,
    groups: HashMap<GroupId, Vec<f32>>,
}

impl Hours {
    /// The circumstances of an act, where it raised a score. `scores`: those before, by family.
    pub(super) fn around(
        &self,
        set: &Circumstantial,
        profile: &Profile,
        scores: &[f64],
        group: Option<GroupId>,
        fact: &Fact,
    ) -> Around {
        let raised = Family::ALL.into_iter().zip(scores);
        let raised = raised.filter(|(family, before)| profile.scores.of(*family).score > **before);
        let families: Vec<_> = raised.map(|(family, _)| family).collect();
        if families.is_empty() {
            return Around::default();
        }
        let share = self.share(group, place(fact.day, fact.hour));
        let of_hour = (set.hour_share / share).log10().max(0.0);
        let of_pause = if profile.was_away { set.dormant } else { 0.0 };
        let found = [(Circumstance::Hour, of_hour), (Circumstance::Dormant, of_pause)];
        let circumstances = found.iter().filter(|(_, score)| *score > 0.0).map(|(it, _)| *it).collect();
        let score = found.iter().map(|(_, score)| score).sum::<f64>().min(set.most);
        // Logarithms differ in their last digits between machines.
        Around { families, circumstances, score: (score * 1e3).round() / 1e3 }
    }

    /// How much of the work of peers is in hours with as little work as this one.
    fn share(&self, group: Option<GroupId>, place: usize) -> f64 {
        let of_group = group.and_then(|group| self.groups.get(&group));
        let sum = |hours: Option<&Vec<f32>>| hours.map_or(0.0, |hours| hours.iter().map(|it| f64::from(*it)).sum());
        let (all, of_all) = (Some(&self.everybody), sum(Some(&self.everybody)));
        let of_peers = sum(of_group);
        let at = |hours: Option<&Vec<f32>>, place: usize| {
            hours.and_then(|hours| hours.get(place)).map_or(0.0, |it| f64::from(*it))
        };
        let share = |place: usize| {
            let of_everybody = (at(all, place) + PRIOR / HOURS as f64) / (of_all + PRIOR);
            (at(of_group, place) + PRIOR * of_everybody) / (of_peers + PRIOR)
        };
        let here = share(place) * ALIKE;
        (0..HOURS).map(share).filter(|it| *it <= here).sum()
    }

    /// Adds a day of an account of these groups, with a bit for each hour in which it asked.
    pub(super) fn add(&mut self, groups: &[GroupId], day: i64, hours: u32) {
        let of_each = 1.0 / hours.count_ones().max(1) as f32;
        let add = |of: &mut Vec<f32>| {
            of.resize(HOURS, 0.0);
            for hour in (0..24).filter(|hour| hours >> hour & 1 == 1) {
                of.get_mut(place(day, hour)).into_iter().for_each(|it| *it += of_each);
            }
        };
        add(&mut self.everybody);
        groups.iter().for_each(|group| add(self.groups.entry(*group).or_default()));
    }

    /// A day is over.
    pub(super) fn fade(&mut self) {
        let all = self.groups.values_mut().flatten().chain(&mut self.everybody);
        all.for_each(|it| *it *= FADING as f32);
    }
}

/// The place of an hour in the week.
fn place(day: i64, hour: u8) -> usize {
    day.rem_euclid(7) as usize * 24 + usize::from(hour.min(23))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_says_what_part_of_work_is_as_rare() {
        let mut hours = Hours::default();
        // Days from nine to five, and one of 50 account-days at three in the night.
        for day in 0..28 {
            (0..49).for_each(|_| hours.add(&[], day, 0x1FE00));
            hours.add(&[], day, 1 << 3);
            hours.fade();
        }
        assert!(hours.share(None, place(3, 12)) > 0.9);
        let at_night = hours.share(None, place(3, 3));
        assert!((0.02..0.15).contains(&at_night), "{at_night}");
        let never = hours.share(None, place(3, 5));
        assert!(never < at_night, "{never}");
        assert!(hours.share(None, place(1, 12)) > 0.9, "hours of work are alike, on whatever day");
        // Where nothing is known, no hour is unusual.
        assert!(Hours::default().share(None, 5) > 0.99);
    }
}
