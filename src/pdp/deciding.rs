//! The configuration that decides: what can change a decision beside policies and directory.
//!
//! A record names it by its digest, and the archive keeps it under that digest (`data/revisions/<digest>/`), a file a
//! fact. So `poort log replay` needs no configuration file (Authorization Decision Log 1.0.0: a source reference suffices to
//! retrieve the data). No fact is secret.

use super::engine::{self, UndeclaredMembers};
use crate::types::revision::Revision;
use jiff::tz::TimeZone;

/// What can change a decision beside policies and directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deciding {
    /// The calling application, if the configuration names it.
    pub application: Option<String>,
    /// The IANA name of the time zone.
    pub time_zone: String,
    /// What questions mean that name what is not known.
    pub engine: engine::Config,
}

impl Deciding {
    /// Under this time zone.
    #[must_use]
    pub fn new(application: Option<&str>, zone: &TimeZone, engine: engine::Config) -> Self {
        let time_zone = zone.iana_name().unwrap_or_default().to_owned();
        Self { application: application.map(str::to_owned), time_zone, engine }
    }

    /// The facts, by name.
    #[must_use]
    pub fn parts(&self) -> Vec<(String, String)> {
        let Self { application, time_zone, engine: engine::Config { unknown, undeclared } } = self;
        // What ignores them has the digest that a configuration had when there was no such key, and that means the same.
        let undeclared = match undeclared {
            UndeclaredMembers::UnlessHarmless => Some("unless-harmless"),
            UndeclaredMembers::Refuse => Some("refuse"),
            UndeclaredMembers::Ignore => None,
        };
        let application = application.as_deref().unwrap_or_default();
        let parts = [("application", application), ("time_zone", time_zone), ("unknown", unknown.name())];
        let parts = parts.into_iter().chain(undeclared.map(|undeclared| ("undeclared", undeclared)));
        parts.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// The digest of the facts.
    #[must_use]
    pub fn revision(&self) -> Revision {
        Revision::of_texts(&self.parts())
    }

    /// The configuration with these facts. `None` if this version does not know one of them.
    #[must_use]
    pub fn from_parts(parts: &[(String, String)]) -> Option<Self> {
        let get = |name: &str| parts.iter().find(|(it, _)| it == name).map(|(_, value)| value.clone());
        let (application, time_zone) = (get("application")?, get("time_zone")?);
        let application = Some(application).filter(|name| !name.is_empty());
        let mut all = engine::Config::all();
        all.find_map(|engine| {
            let found = Self { application: application.clone(), time_zone: time_zone.clone(), engine };
            let (mut known, mut given) = (found.parts(), parts.to_vec());
            known.sort_unstable();
            given.sort_unstable();
            (known == given).then_some(found)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_configuration_reads_back_from_its_facts() {
        let zone = TimeZone::get("Asia/Tokyo").unwrap();
        for application in [None, Some("desk")] {
            for engine in engine::Config::all() {
                let deciding = Deciding::new(application, &zone, engine);
                assert_eq!(Deciding::from_parts(&deciding.parts()), Some(deciding.clone()));
                let mut more = deciding.parts();
                more.push(("later".to_owned(), "fact".to_owned()));
                assert_eq!(Deciding::from_parts(&more), None, "a later version has a fact that is not known here");
            }
        }
        assert_eq!(Deciding::from_parts(&[]), None);
    }

    #[test]
    fn a_digest_is_that_of_earlier_releases() {
        let zone = TimeZone::get("Europe/Amsterdam").unwrap();
        let digest = Deciding::new(None, &zone, engine::Config::default()).revision();
        assert_eq!(digest.as_str(), "sha256:d221b36e36ec6125ef0c36293fc8a57e9d438a4d4617be0ac248157becb2789b");
    }
}
