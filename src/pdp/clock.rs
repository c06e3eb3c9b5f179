//! The clock of decisions: the moment that policies see as `context.pdp`. A caller never sets it.

use crate::types::moment::{Moment, PolicyAge};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use std::sync::Arc;

/// Tells the moment, in the organisation's time zone.
#[derive(Debug, Clone)]
pub struct Clock {
    zone: TimeZone,
    application: Option<Arc<str>>,
    today: Option<Date>,
}

impl Clock {
    /// A clock for this time zone, on behalf of this application.
    #[must_use]
    pub fn new(zone: TimeZone, application: Option<&str>) -> Self {
        Self { zone, application: application.map(Arc::from), today: None }
    }

    /// The same, where it is always noon of this day: for the tests of an application.
    #[must_use]
    pub fn on(self, today: Option<Date>) -> Self {
        Self { today, ..self }
    }

    /// This moment.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.today.and_then(|today| self.noon(today)).unwrap_or_else(|| self.at(Timestamp::now()))
    }

    /// Noon of a day. `None` for a day at the very ends of the calendar.
    #[must_use]
    pub fn noon(&self, day: Date) -> Option<Moment> {
        let noon = self.zone.to_timestamp(day.at(12, 0, 0, 0)).ok()?;
        Some(self.at(noon))
    }

    /// A given moment.
    #[must_use]
    pub fn at(&self, timestamp: Timestamp) -> Moment {
        let local = timestamp.to_zoned_datetime(self.zone.clone());
        Moment {
            now: timestamp.as_millisecond(),
            now_text: format!("{timestamp:.3}"),
            today: local.date().to_string(),
            hour: u8::try_from(local.hour()).unwrap_or_default(),
            application: self.application.clone(),
            token: None,
            policies: PolicyAge::Live,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn today_and_hour_are_local_and_now_is_utc() {
        let clock = Clock::new(TimeZone::get("Europe/Amsterdam").unwrap(), None);
        let moment = clock.at("2026-06-30T22:30:00.5Z".parse().unwrap());
        assert_eq!(moment.now_text, "2026-06-30T22:30:00.500Z");
        assert_eq!((moment.today.as_str(), moment.hour), ("2026-07-01", 0));
        assert_eq!(moment.now, 1_782_858_600_500);
    }
}
