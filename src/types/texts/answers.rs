//! The sentences of answers: what callers, users and the record get.

use crate::types::language::Language;
use std::fmt::Display;

texts! {
    allowed_by(titles) { en: "Allowed: {titles}.", nl: "Toegestaan: {titles}." }
    denied_by(titles) { en: "Denied: {titles}.", nl: "Geweigerd: {titles}." }
    untitled(id) { en: "policy `{id}`", nl: "regel `{id}`" }
    no_permit { en: "Denied: no policy permits this.", nl: "Geweigerd: geen regel staat dit toe." }
    failed_policy(id) {
        en: "Denied: policy `{id}` could not be evaluated, so nothing is allowed.",
        nl: "Geweigerd: regel `{id}` kon niet worden beoordeeld; daarom wordt niets toegestaan."
    }
    unknown_subject(uid) {
        en: "Denied: the directory does not know the subject {uid}.",
        nl: "Geweigerd: de vrager {uid} is niet bekend in de administratie."
    }
    unknown_resource(uid) {
        en: "Denied: the directory does not know the resource {uid}.",
        nl: "Geweigerd: het gegeven {uid} is niet bekend in de administratie."
    }
    concealed_subject {
        en: "Denied: the directory does not know the subject.",
        nl: "Geweigerd: de vrager is niet bekend in de administratie."
    }
    concealed_resource {
        en: "Denied: the directory does not know the resource.",
        nl: "Geweigerd: het gegeven is niet bekend in de administratie."
    }
    contradiction {
        en: "Denied: the entities of the question contradict each other.",
        nl: "Geweigerd: de gegevens in de vraag spreken elkaar tegen."
    }
    expired {
        en: "Denied: the time of the active policies is over, and no newer ones are here.",
        nl: "Geweigerd: de geldigheid van de actieve regels is verlopen, en nieuwere zijn er niet."
    }
    unsupported(keys) {
        en: "Denied: the application does not support the obligations of this access: {keys}.",
        nl: "Geweigerd: de applicatie ondersteunt de verplichtingen van deze toegang niet: {keys}."
    }
    refused {
        en: "Refused: the schema does not have this question.",
        nl: "Afgewezen: het schema heeft deze vraag niet."
    }
    not_allowed { en: "This is not allowed.", nl: "Dit is niet toegestaan." }
    reference(number) { en: "Reference: {number}.", nl: "Kenmerk: {number}." }
    and_more(count) { en: "and {count} more", nl: "en nog {count}" }
    unknown_hidden(kind, path) {
        en: "The directory does not know the {kind} of {path}.",
        nl: "De {kind} van {path} is niet bekend in de administratie."
    }
    unknown_named(kind, id, path) {
        en: "The directory does not know the {kind} `{id}` of {path}.",
        nl: "De {kind} `{id}` van {path} is niet bekend in de administratie."
    }
    unknown_like(kind, id, path, nearest) {
        en: "The directory does not know the {kind} `{id}` of {path}; did you mean `{nearest}`?",
        nl: "De {kind} `{id}` van {path} is niet bekend in de administratie; bedoelt u `{nearest}`?"
    }
    busy {
        en: "too many questions are under way; ask again shortly",
        nl: "er zijn te veel vragen onderweg; stel de vraag zo opnieuw"
    }
    too_large_to_record {
        en: "the question and its answer are too large for one decision record",
        nl: "de vraag en het antwoord zijn te groot om samen vast te leggen"
    }
    late {
        en: "the deadline passed before the decision was on record",
        nl: "de tijd was om voordat het besluit was vastgelegd"
    }
    not_ready {
        en: "not ready: no policies are active, or the decision log is not open",
        nl: "nog niet gereed: er zijn geen regels actief, of de logging is niet open"
    }
    no_record {
        en: "the decision log cannot be written, so nothing is decided",
        nl: "de logging kan niet worden geschreven; daarom wordt niets besloten"
    }
}
