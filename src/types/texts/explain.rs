//! The sentences of `poort explain`: why, and what would be needed. Cedar's words (permit, forbid, when, unless) stay: they are
//! those of the policy beside them.

use crate::types::language::Language;
use std::fmt::Display;

texts! {
    met { en: "met", nl: "voldaan" }
    not_met { en: "not met", nl: "niet voldaan" }
    failed { en: "could not be evaluated", nl: "kon niet worden beoordeeld" }
    failed_for(message) { en: "could not be evaluated: {message}", nl: "kon niet worden beoordeeld: {message}" }
    not_looked_at { en: "not looked at", nl: "niet bekeken" }
    applies { en: "applies", nl: "geldt" }
    applies_not { en: "does not apply", nl: "geldt niet" }
    policy_failed(message) {
        en: "could not be evaluated, so nothing is allowed: {message}",
        nl: "kon niet worden beoordeeld; daarom wordt niets toegestaan: {message}"
    }
    other_policy {
        en: "1 other policy about such questions is not told: it does not decide",
        nl: "1 andere regel over zulke vragen is weggelaten: die beslist niet"
    }
    other_policies(count) {
        en: "{count} other policies about such questions are not told: they do not decide",
        nl: "{count} andere regels over zulke vragen zijn weggelaten: die beslissen niet"
    }
    clause_unreached { en: "· 1 more clause is not looked at", nl: "· nog 1 clausule is niet bekeken" }
    clauses_unreached(count) {
        en: "· {count} more clauses are not looked at",
        nl: "· nog {count} clausules zijn niet bekeken"
    }
    condition_unreached { en: "· 1 more condition is not looked at", nl: "· nog 1 voorwaarde is niet bekeken" }
    conditions_unreached(count) {
        en: "· {count} more conditions are not looked at",
        nl: "· nog {count} voorwaarden zijn niet bekeken"
    }
    exception_leaves_forbid {
        en: "this exception does not lift the forbid",
        nl: "deze uitzondering heft het verbod niet op"
    }
    exception_leaves_permit { en: "nothing here stops the permit", nl: "niets hier houdt de toestemming tegen" }
    exception_lifts_forbid { en: "this exception lifts the forbid", nl: "deze uitzondering heft het verbod op" }
    exception_stops_permit { en: "this stops the permit", nl: "dit houdt de toestemming tegen" }
    scope_differs { en: "the policy is about others", nl: "de regel gaat over anderen" }
    opposite { en: "the opposite of this", nl: "het tegendeel hiervan" }
    all_of { en: "all of these", nl: "al deze voorwaarden" }
    one_of { en: "one of these", nl: "een van deze voorwaarden" }
    nothing_small_without_permit(most) {
        en: "Nothing small would allow it: no permit is about such questions; at most {most} changes of account, context or record \
             were tried together.",
        nl: "Met weinig wijzigingen wordt dit niet toegestaan: geen regel staat zulke vragen toe; ten hoogste {most} wijzigingen \
             van account, context of gegeven zijn samen geprobeerd."
    }
    nothing_small(most) {
        en: "Nothing small would allow it: no set of changes does for any permit; at most {most} changes of account, context or \
             record were tried together.",
        nl: "Met weinig wijzigingen wordt dit niet toegestaan: geen combinatie van wijzigingen voldoet aan een regel; ten hoogste \
             {most} wijzigingen van account, context of gegeven zijn samen geprobeerd."
    }
    what_would_allow {
        en: "What would allow it (the engine decided each of these):",
        nl: "Wat het zou toestaan (elk hiervan is door poort beslist):"
    }
    by_policy(id, title) { en: "by {id}: {title}", nl: "volgens {id}: {title}" }
    or { en: "or", nl: "of" }
    and { en: "and", nl: "en" }
    in_context { en: "context: ", nl: "in de context: " }
    in_action { en: "properties of the action: ", nl: "eigenschappen van de handeling: " }
    of_account(entity) { en: "account {entity}: ", nl: "bij account {entity}: " }
    of_record(entity) { en: "record {entity}: ", nl: "bij gegeven {entity}: " }
    of_shared(entity) { en: "{entity}, which others share: ", nl: "bij {entity}, dat anderen delen: " }
    also_in(group) { en: "also in {group}", nl: "ook in {group}" }
    no_longer_in(group) { en: "no longer in {group}", nl: "niet meer in {group}" }
    more_permits(count) {
        en: "and by {count} more permits, with larger changes",
        nl: "en volgens nog {count} regels, met meer wijzigingen"
    }
    permit_without {
        en: "nothing small does for 1 more permit about such questions",
        nl: "voor nog 1 regel over zulke vragen voldoen weinig wijzigingen niet"
    }
    permits_without(count) {
        en: "nothing small does for {count} more permits about such questions",
        nl: "voor nog {count} regels over zulke vragen voldoen weinig wijzigingen niet"
    }
    value_is_example {
        en: "where any fitting value does, such as an approver or a day, the value shown is an example",
        nl: "waar elke passende waarde voldoet, zoals een beoordelaar of een dag, is de getoonde waarde een voorbeeld"
    }
    search_cut {
        en: "not all was tried: the bound of the search was met",
        nl: "niet alles is geprobeerd: de grens van het zoeken is bereikt"
    }
    record_of(key, time) { en: "record {key} of {time}", nl: "logregel {key} van {time}" }
}
