//! Callers: recognises applications, and lets each ask only for whom it may.
//!
//! The configuration says by what an application is recognised: operators' matter. `applications.toml` in the policy folder
//! says what it may ask: officers' matter, and part of the revision. Without callers in the configuration nobody is recognised,
//! and whoever reaches poort may ask.
//!
//! What holds here:
//! - With callers configured, who is not recognised is answered nothing, and an application that `applications.toml` does not
//!   name may ask nothing.
//! - An application is recognised by what its connection proves, once for each connection. What a call says is never read.
//! - One credential is one application's.
//!
//! - `config`: by what each application is recognised
//! - `spiffe`, `certificate`: SPIFFE ids; whom a certificate names
//! - `permission`: whether an application may ask a question
//! - `refusals`: how many refused calls leave a record
//! - `token`: the subject's own token

mod certificate;
mod config;
mod permission;
mod refusals;
mod spiffe;
pub mod token;

pub use certificate::{Leaf, Named, Nameless};
pub use config::{Application, Config, Credentials};
pub use permission::{NotPermitted, check, check_named, fault, own_token};
pub use spiffe::{NotAnId, SpiffeId, check_trust_domain};

use crate::{record::decision_log::Identity, types::escape};
use config::UNKNOWN;
use opentelemetry::{
    KeyValue,
    metrics::{Counter, Meter},
};
use refusals::Refusals;
use std::{collections::HashMap, sync::Arc};
use token::Tokens;

/// Recognises applications by their connections.
#[derive(Debug)]
pub struct Callers {
    workloads: HashMap<String, String>,
    hosts: HashMap<String, String>,
    users: HashMap<u32, String>,
    refusals: Refusals,
    refused: Counter<u64>,
    tokens: Tokens,
}

impl Callers {
    /// Recognises these. `None` if there are none to recognise.
    #[must_use]
    pub fn new(config: &Config, meter: &Meter) -> Option<Self> {
        let (mut workloads, mut hosts, mut users) = (HashMap::new(), HashMap::new(), HashMap::new());
        for (name, Credentials { spiffe, dns, uid }) in &config.applications {
            let name = name.as_str().to_owned();
            workloads.extend(spiffe.iter().map(|id| (id.as_str().to_owned(), name.clone())));
            hosts.extend(dns.iter().map(|dns| (dns.clone(), name.clone())));
            users.extend(uid.iter().map(|uid| (*uid, name.clone())));
        }
        let refused = meter
            .u64_counter("poort.callers.refused")
            .with_description("Questions that a caller may not ask, by application; items of batches one by one.")
            .build();
        let names = config.applications.keys().map(Application::as_str).chain([UNKNOWN]);
        names.for_each(|name| refused.add(0, &[KeyValue::new("application", name.to_owned())]));
        let tokens = Tokens::new(&config.issuers, meter);
        if config.applications.is_empty() {
            return None;
        }
        Some(Self { workloads, hosts, users, refusals: Refusals::default(), refused, tokens })
    }

    /// Whom a certificate proves, which TLS has verified.
    #[must_use]
    pub fn of_certificate(&self, named: &Named) -> Identity {
        match named {
            Named::Workload(id) => identity(id.to_string(), self.workloads.get(id.as_str())),
            Named::Hosts(names) => {
                let mut found = names.iter().filter_map(|name| self.hosts.get(name));
                let application = found.next().filter(|first| found.all(|other| other == *first));
                let shown = names.first().map_or("no name", String::as_str);
                identity(format!("dns:{}", escape::cut(shown)), application)
            }
        }
    }

    /// Whom a Unix socket proves: the user at the other end, when it connected.
    #[must_use]
    pub fn of_user(&self, uid: u32) -> Identity {
        identity(format!("uid:{uid}"), self.users.get(&uid))
    }

    /// What verifies subjects' own tokens.
    #[must_use]
    pub const fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Counts a question that a caller may not ask.
    pub(super) fn count(&self, application: Option<&str>) {
        self.refused.add(1, &[KeyValue::new("application", application.unwrap_or(UNKNOWN).to_owned())]);
    }

    /// Whether a refused call of this application leaves a record; and then how many before it left none.
    pub(super) fn record(&self, application: Option<&str>) -> Option<u64> {
        self.refusals.take(application.unwrap_or_default())
    }
}

/// Each connection has the name for itself: threads would contend for the count of one that all share.
fn identity(credential: String, application: Option<&String>) -> Identity {
    Identity { credential, application: application.map(|name| Arc::from(name.as_str())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn callers() -> Callers {
        let credentials = |spiffe: Option<&str>, dns: Option<&str>, uid| Credentials {
            spiffe: spiffe.map(|id| id.parse().unwrap()),
            dns: dns.map(str::to_owned),
            uid,
        };
        let config = Config {
            applications: [
                ("desk", credentials(Some("spiffe://politie.example/desk"), Some("desk.politie.example"), Some(7))),
                ("anpr", credentials(None, Some("anpr.politie.example"), None)),
            ]
            .into_iter()
            .map(|(name, credentials)| (name.parse().unwrap(), credentials))
            .collect(),
            ..Config::default()
        };
        Callers::new(&config, &opentelemetry::global::meter("test")).unwrap()
    }

    fn hosts(names: &[&str]) -> Named {
        Named::Hosts(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn an_application_is_recognised_by_each_of_its_credentials() {
        let callers = callers();
        let named = |identity: Identity| identity.application.as_deref().map(str::to_owned);
        let workload = |id: &str| named(callers.of_certificate(&Named::Workload(id.parse().unwrap())));
        assert_eq!(workload("spiffe://politie.example/desk").as_deref(), Some("desk"));
        assert_eq!(workload("spiffe://politie.example/desk/x"), None);
        assert_eq!(workload("spiffe://other.example/desk"), None);
        let of = |names: &[&str]| named(callers.of_certificate(&hosts(names)));
        assert_eq!(of(&["desk.politie.example", "desk"]).as_deref(), Some("desk"));
        assert_eq!(of(&["*.politie.example"]), None);
        assert_eq!(of(&[]), None);
        assert_eq!(named(callers.of_user(7)).as_deref(), Some("desk"));
        assert_eq!(named(callers.of_user(8)), None);
    }

    #[test]
    fn a_certificate_that_names_two_applications_is_neither() {
        let identity = callers().of_certificate(&hosts(&["desk.politie.example", "anpr.politie.example"]));
        assert_eq!(identity.application, None);
        assert_eq!(identity.credential, "dns:desk.politie.example");
    }

    #[test]
    fn without_applications_nobody_is_to_be_recognised() {
        assert!(Callers::new(&Config::default(), &opentelemetry::global::meter("test")).is_none());
    }
}
