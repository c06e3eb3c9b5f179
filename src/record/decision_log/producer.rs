//! The producer of records: the parts that all records of a process share, written once.

use crate::types::{authzen, build::Build, language::Language, revision::Revision};
use std::collections::BTreeMap;

/// What makes the records, with which configuration, and in which log.
#[derive(Debug, Clone)]
pub struct Producer {
    /// `"adl.core.configuration":{…}`
    configuration: Vec<u8>,
    /// `"poort.log.origin":"…","poort.log.seq":`, to be followed by the number.
    place: Vec<u8>,
    origin: String,
    /// `"resource":{…}`
    resource: Vec<u8>,
    language: Language,
}

impl Producer {
    /// `version` is poort's; `configuration` is the digest of what can change a decision beside policies and directory;
    /// `instance` tells this sidecar from its siblings; `attributes` come from the configuration.
    #[must_use]
    pub fn new(version: &str, configuration: &Revision, instance: &str, attributes: &BTreeMap<String, String>) -> Self {
        let build = Build { version: version.to_owned(), commit: None, executable: None };
        Self::of_build(&build, configuration, instance, attributes)
    }

    /// The same, for a build of which more is known than its version.
    #[must_use]
    pub fn of_build(
        build: &Build,
        configuration: &Revision,
        instance: &str,
        attributes: &BTreeMap<String, String>,
    ) -> Self {
        let Build { version, commit, executable } = build;
        let mut resource = attributes.clone();
        resource.extend([
            ("service.name".to_owned(), "poort".to_owned()),
            ("service.version".to_owned(), version.clone()),
            ("service.instance.id".to_owned(), instance.to_owned()),
        ]);
        let mut configuration = BTreeMap::from([
            ("cedar".to_owned(), cedar_policy::get_sdk_version().to_string()),
            ("digest".to_owned(), configuration.to_string()),
            ("version".to_owned(), version.clone()),
        ]);
        configuration.extend(commit.iter().map(|commit| ("commit".to_owned(), commit.clone())));
        configuration.extend(executable.iter().map(|digest| ("executable".to_owned(), digest.to_string())));
        let mut written = (Vec::new(), Vec::new());
        written.0.extend_from_slice(b"\"adl.core.configuration\":{\"poort\":");
        strings(&mut written.0, &configuration);
        written.0.push(b'}');
        written.1.extend_from_slice(b"\"resource\":");
        strings(&mut written.1, &resource);
        let (configuration, resource) = written;
        let (place, origin, language) = (Vec::new(), String::new(), Language::default());
        Self { configuration, place, origin, resource, language }.in_log("")
    }

    /// The same producer, with the sentences of its records in this language.
    #[must_use]
    pub fn in_language(self, language: Language) -> Self {
        Self { language, ..self }
    }

    /// The same producer, writing to the log of this origin.
    #[must_use]
    pub fn in_log(mut self, origin: &str) -> Self {
        origin.clone_into(&mut self.origin);
        self.place.clear();
        self.place.extend_from_slice(b"\"poort.log.origin\":");
        authzen::write_string(&mut self.place, origin);
        self.place.extend_from_slice(b",\"poort.log.seq\":");
        self
    }

    /// `"adl.core.configuration":{…}`
    pub(super) fn configuration(&self) -> &[u8] {
        &self.configuration
    }

    /// `"poort.log.origin":"…","poort.log.seq":`, to be followed by the number.
    pub(super) fn place(&self) -> &[u8] {
        &self.place
    }

    /// The language of the sentences in its records.
    pub(super) const fn language(&self) -> Language {
        self.language
    }

    /// The log that it writes to.
    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    /// `"resource":{…}`
    pub(super) fn resource(&self) -> &[u8] {
        &self.resource
    }
}

fn strings(out: &mut Vec<u8>, map: &BTreeMap<String, String>) {
    out.push(b'{');
    for (index, (name, value)) in map.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        authzen::write_string(out, name);
        out.push(b':');
        authzen::write_string(out, value);
    }
    out.push(b'}');
}
