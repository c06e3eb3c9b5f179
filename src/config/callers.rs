//! The configuration of callers: one table `[callers.NAME]` for each application, the roots of trust domains, and one table
//! `[issuers.NAME]` for each identity provider whose tokens subjects have.

use super::reader::Reader;
use crate::{
    api::transport::Tls,
    pdp::callers::{
        Application, Config, Credentials, SpiffeId, check_trust_domain,
        token::{IssuerConfig, Jwks},
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

/// All keys of an application.
pub(super) const KEYS: [&str; 3] = ["certificate.dns", "socket.uid", "spiffe"];

/// All keys of an issuer.
pub(super) const ISSUER_KEYS: [&str; 6] = ["algorithms", "audience", "issuer", "jwks", "subject", "type"];

/// The user that Linux shows for everyone whom poort's user namespace does not map: it is nobody in particular.
const NOT_MAPPED: u32 = 65_534;

/// All applications.
pub(super) fn callers(reader: &mut Reader<'_>) -> Config {
    let mut applications = BTreeMap::new();
    if reader.has("callers") {
        reader.know("callers");
        reader.mistake("callers", "holds no application; name each in a table of its own: [callers.NAME]");
    }
    for name in reader.names("callers") {
        let table = format!("callers.{name}");
        match name.parse::<Application>() {
            Ok(application) => drop(applications.insert(application, credentials(reader, &table))),
            Err(error) => {
                reader.know(&table);
                reader.mistake(&table, &error);
            }
        }
    }
    Config { applications, issuers: issuers(reader) }
}

fn issuers(reader: &mut Reader<'_>) -> BTreeMap<String, IssuerConfig> {
    if reader.has("issuers") {
        reader.know("issuers");
        reader.mistake("issuers", "holds no issuer; name each in a table of its own: [issuers.NAME]");
    }
    let names = reader.names("issuers").into_iter();
    names.filter_map(|name| issuer(reader, &format!("issuers.{name}")).map(|issuer| (name, issuer))).collect()
}

fn issuer(reader: &mut Reader<'_>, table: &str) -> Option<IssuerConfig> {
    let [algorithms_key, audience_key, issuer_key, jwks_key, subject_key, kind_key] =
        ISSUER_KEYS.map(|key| format!("{table}.{key}"));
    for (key, example) in [
        (&algorithms_key, "[\"ES256\"]"),
        (&audience_key, "\"poort\""),
        (&issuer_key, "\"https://idp.politie.example\""),
        (&jwks_key, "a file, or \"https://idp.politie.example/jwks\""),
        (&kind_key, "\"Officer\""),
    ] {
        if !reader.has(key) {
            reader.mistake(key, &format!("is missing; an example is {example}"));
        }
    }
    let [audience, issuer, subject, kind] =
        [&audience_key, &issuer_key, &subject_key, &kind_key].map(|key| reader.text(key));
    let (algorithms, jwks) = (reader.list(&algorithms_key), reader.parsed::<Jwks>(&jwks_key));
    Some(IssuerConfig {
        issuer: issuer?,
        audience: audience?,
        algorithms: algorithms?,
        subject: subject.unwrap_or_else(|| "sub".to_owned()),
        kind: kind?,
        jwks: jwks?,
    })
}

fn credentials(reader: &mut Reader<'_>, table: &str) -> Credentials {
    let [dns_key, uid_key, spiffe_key] = KEYS.map(|key| format!("{table}.{key}"));
    let is_given = [&dns_key, &uid_key, &spiffe_key].iter().any(|key| reader.has(key));
    let dns = reader.text(&dns_key).filter(|dns| {
        let is_name = dns.contains('.') && !dns.contains(['*', ':', '/', ' ', ',']);
        if !is_name {
            reader.mistake(&dns_key, &format!("`{dns}` is not one whole DNS name, such as desk.politie.example"));
        }
        is_name
    });
    let uid = reader.count(&uid_key, 0..=u32::MAX).filter(|uid| {
        if *uid == NOT_MAPPED {
            reader.mistake(&uid_key, "is the user that Linux shows for everyone whom it cannot map; give another");
        }
        *uid != NOT_MAPPED
    });
    if !is_given {
        if reader.has(table) {
            reader.know(table);
        }
        reader.mistake(table, "has nothing to recognise it by; give it `spiffe`, `certificate.dns` or `socket.uid`");
    }
    Credentials { spiffe: reader.parsed(&spiffe_key), dns: dns.map(|dns| dns.to_ascii_lowercase()), uid }
}

/// The roots of each trust domain.
pub(super) fn trust_domains(reader: &mut Reader<'_>) -> BTreeMap<String, PathBuf> {
    let files = reader.texts("tls.trust_domains");
    for domain in files.keys() {
        if let Err(why) = check_trust_domain(domain) {
            reader
                .mistake(&format!("tls.trust_domains.{domain}"), &format!("is not the name of a trust domain: {why}"));
        }
    }
    files.into_iter().map(|(domain, file)| (domain, file.into())).collect()
}

/// What is well formed by itself and does not go together.
pub(super) fn conflicts(config: &Config, tls: Option<&Tls>, application: Option<&str>) -> Vec<String> {
    let applications = &config.applications;
    let mut mistakes = Vec::new();
    if !applications.is_empty() && application.is_some() {
        mistakes.push(
            "decisions.application: means nothing with [callers], by which each application is recognised".to_owned(),
        );
    }
    if applications.is_empty() && !config.issuers.is_empty() {
        mistakes
            .push("issuers: mean nothing without [callers]: a token counts for the application that asks".to_owned());
    }
    let mut named = BTreeSet::new();
    for (name, IssuerConfig { issuer, .. }) in &config.issuers {
        if !named.insert(issuer) {
            mistakes.push(format!("issuers.{name}.issuer: `{issuer}` is another table's too; each needs its own"));
        }
    }
    let mut seen = BTreeSet::new();
    for (name, Credentials { spiffe, dns, uid }) in applications {
        let uid = uid.map(|uid| uid.to_string());
        let given = [
            ("spiffe", spiffe.as_ref().map(SpiffeId::as_str)),
            ("certificate.dns", dns.as_deref()),
            ("socket.uid", uid.as_deref()),
        ];
        for (key, value) in given.into_iter().filter_map(|(key, value)| Some((key, value?))) {
            if !seen.insert((key, value.to_owned())) {
                mistakes
                    .push(format!("callers.{name}.{key}: `{value}` is another application's too; each needs its own"));
            }
        }
        let domain = spiffe.as_ref().map(SpiffeId::trust_domain);
        if let Some(domain) = domain.filter(|domain| !tls.is_some_and(|tls| tls.trust_domains.contains_key(*domain))) {
            mistakes.push(format!(
                "callers.{name}.spiffe: needs the roots of its trust domain: tls.trust_domains.\"{domain}\""
            ));
        }
        if dns.is_some() && tls.is_none_or(|tls| tls.client_ca.is_none()) {
            mistakes
                .push(format!("callers.{name}.certificate.dns: needs tls.client_ca, which signs such certificates"));
        }
    }
    mistakes
}
