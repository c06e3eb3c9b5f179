//! The sentences of the reports of `poort diff` after their first lines, which are in `diff_headline`. Why something is undecided
//! is a message, in English.

use crate::types::language::Language;
use std::fmt::Display;

texts! {
    one_environment { en: "1 environment", nl: "1 combinatie" }
    many_environments(count) { en: "{count} environments", nl: "{count} combinaties" }
    one_account { en: "1 account", nl: "1 account" }
    many_accounts(count) { en: "{count} accounts", nl: "{count} accounts" }
    one_difference { en: "1 difference", nl: "1 verschil" }
    many_differences(count) { en: "{count} differences", nl: "{count} verschillen" }
    one_change { en: "1 change", nl: "1 wijziging" }
    many_changes(count) { en: "{count} changes", nl: "{count} wijzigingen" }
    newly_allowed { en: "newly allowed", nl: "nieuw toegestaan" }
    newly_denied { en: "newly denied", nl: "nieuw geweigerd" }
    added { en: "added", nl: "toegevoegd" }
    removed { en: "removed", nl: "verwijderd" }
    changed { en: "changed", nl: "gewijzigd" }
    renamed { en: "renamed", nl: "hernoemd" }
    obligations_changed { en: "obligations changed", nl: "verplichtingen gewijzigd" }
    reworded { en: "reworded", nl: "anders verwoord" }
    refused_before {
        en: "the old schema does not have these questions: they were refused",
        nl: "het oude schema kent deze vragen niet: zij werden afgewezen"
    }
    refused_now {
        en: "the new schema does not have these questions: they are refused",
        nl: "het nieuwe schema kent deze vragen niet: zij worden afgewezen"
    }
    old_questions {
        en: "compared for the questions that the old schema accepts; of those that only the new one accepts, one is shown that is \
             allowed",
        nl: "vergeleken voor de vragen die het oude schema aanneemt; van de vragen die alleen het nieuwe aanneemt, is er een getoond \
             die is toegestaan"
    }
    under_new_schema {
        en: "compared under the new schema: for questions as it has them, and not for those that only the old schema accepts",
        nl: "vergeleken onder het nieuwe schema: voor vragen zoals het nieuwe schema die kent, en niet voor vragen die alleen het oude schema aanneemt"
    }
    note_of(environments, note) { en: "{environments}: {note}", nl: "{environments}: {note}" }
    left_out_by_env(environments) {
        en: "{environments} left out by --env and not looked at",
        nl: "{environments} weggelaten door --env en niet bekeken"
    }
    directory_changed(added, removed, changed) {
        en: "the directory changed ({added} added, {removed} removed, {changed} changed): each change asks for acceptance",
        nl: "de administratie is gewijzigd ({added} toegevoegd, {removed} verwijderd, {changed} gewijzigd): elke wijziging moet \
             worden geaccepteerd"
    }
    no_longer_tested(actions) { en: "the tests no longer ask about: {actions}", nl: "de tests vragen niet meer naar: {actions}" }
    not_proven(reason) {
        en: "what the change of the directory changes in decisions is not proven: {reason}",
        nl: "niet bewezen is wat de wijziging van de administratie aan besluiten verandert (melding: {reason})"
    }
    summary(allowed, all, denied, undecided, equal) {
        en: "newly allowed in {allowed} of {all} environments, newly denied in {denied}, undecided {undecided}, proven equal {equal}",
        nl: "nieuw toegestaan in {allowed} van {all} combinaties, nieuw geweigerd in {denied}, onbeslist {undecided}, bewezen gelijk \
             {equal}"
    }
    by_directory(change, accounts) {
        en: ", {change} for {accounts} by the directory",
        nl: ", {change} voor {accounts} door de administratie"
    }
    sum_not_looked_at(count) { en: ", not looked at {count}", nl: ", niet bekeken {count}" }
    sum_guarantees(count) { en: ", guarantees changed {count}", nl: ", waarborgen gewijzigd {count}" }
    sum_obligations(count) {
        en: ", policies with changed obligations {count}",
        nl: ", regels met gewijzigde verplichtingen {count}"
    }
    sum_applications(count) {
        en: ", applications that may ask something else {count}",
        nl: ", applicaties die iets anders mogen vragen {count}"
    }
    sum_directory(count) { en: ", changes of the directory {count}", nl: ", wijzigingen van de administratie {count}" }
    whoever_asks { en: "whoever asks", nl: "wie het ook vraagt" }
    accounts_named(accounts, names) { en: "{accounts} ({names})", nl: "{accounts} ({names})" }
    where_place_is(whom, place, what) { en: "{whom}, where {place} is {what}", nl: "{whom}, waar {place} {what} is" }
    change_for(change, whom, environments) {
        en: "{change} for {whom}: {environments}",
        nl: "{change} voor {whom}: {environments}"
    }
    together_with(others) { en: "together with what changed of {others}", nl: "samen met wat is gewijzigd van {others}" }
    and_more(names, count) { en: "{names} and {count} more", nl: "{names} en nog {count}" }
    by { en: "by", nl: "door" }
    because_the(effect) { en: "because the {effect}", nl: "omdat {effect}" }
    is_gone { en: "is gone", nl: "weg is" }
    has_changed { en: "changed", nl: "is gewijzigd" }
    by_policies(policies) { en: " by {policies}", nl: " door {policies}" }
    obligation { en: "obligation", nl: "verplichting" }
    advice { en: "advice", nl: "advies" }
    subjects { en: "subjects", nl: "vragers" }
    actions { en: "actions", nl: "handelingen" }
    resources { en: "resources", nl: "gegevens" }
    organisations { en: "organisations", nl: "organisaties" }
    any_organisation { en: "organisations: any", nl: "organisaties: elke" }
    without_token { en: "without the subject's own token", nl: "zonder het eigen token van de vrager" }
    with_token(client) {
        en: "with a token that is given to the client {client}",
        nl: "met een token dat is uitgegeven aan client {client}"
    }
    entity_type { en: "entity type", nl: "entiteittype" }
    action { en: "action", nl: "handeling" }
    passed { en: "passed", nl: "goedgekeurd" }
    not_passed { en: "not passed", nl: "niet goedgekeurd" }
    verdict(word, parts) { en: "{word}: {parts}", nl: "{word}: {parts}" }
    part_not_accepted(what) { en: "{what} not accepted", nl: "{what} niet geaccepteerd" }
    part_accepted(what) { en: "{what} accepted", nl: "{what} geaccepteerd" }
    part_undecided(what) { en: "{what} undecided", nl: "{what} onbeslist" }
    part_undecided_accepted(what) { en: "{what} undecided and accepted", nl: "{what} onbeslist en geaccepteerd" }
    guarantees_not_accepted(what) {
        en: "{what} of guarantees not accepted",
        nl: "{what} van waarborgen niet geaccepteerd"
    }
    guarantees_accepted(what) { en: "{what} of guarantees accepted", nl: "{what} van waarborgen geaccepteerd" }
    obligations_not_accepted(what) {
        en: "{what} of obligations not accepted",
        nl: "{what} van verplichtingen niet geaccepteerd"
    }
    obligations_accepted(what) { en: "{what} of obligations accepted", nl: "{what} van verplichtingen geaccepteerd" }
    applications_not_accepted(what) {
        en: "{what} of what applications may ask not accepted",
        nl: "{what} van wat applicaties mogen vragen niet geaccepteerd"
    }
    applications_accepted(what) {
        en: "{what} of what applications may ask accepted",
        nl: "{what} van wat applicaties mogen vragen geaccepteerd"
    }
    directory_not_accepted(what) {
        en: "{what} of the directory not accepted",
        nl: "{what} van de administratie niet geaccepteerd"
    }
    directory_accepted(what) { en: "{what} of the directory accepted", nl: "{what} van de administratie geaccepteerd" }
    not_looked_at(what) { en: "{what} not looked at", nl: "{what} niet bekeken" }
    guarantee_added { en: "new", nl: "nieuw" }
    guarantee_removed {
        en: "gone: it no longer keeps later changes from breaking it",
        nl: "weg: een latere wijziging kan de waarborg schenden zonder dat dit opvalt"
    }
    guarantee_changed { en: "changed: it says something else now", nl: "gewijzigd: er staat nu iets anders" }
    guarantee_renamed { en: "renamed: it says the same", nl: "hernoemd: er staat hetzelfde" }
    guarantee_reworded { en: "reworded: it says the same", nl: "anders verwoord: er staat hetzelfde" }
    allow { en: "allow", nl: "toegestaan" }
    deny { en: "deny", nl: "geweigerd" }
    note { en: "note", nl: "opmerking" }
    undecided { en: "undecided", nl: "onbeslist" }
    accepted { en: "accepted", nl: "geaccepteerd" }
    not_accepted { en: "not accepted", nl: "niet geaccepteerd" }
    before { en: "before", nl: "vóór" }
    after { en: "after", nl: "na" }
    nothing_said { en: "none", nl: "niets" }
    title { en: "What a policy change would do", nl: "Wat een wijziging van regels zou doen" }
    not_valid { en: "not valid", nl: "ongeldig" }
    side_not_valid {
        en: "A side is not valid, so nothing can be said about the change.",
        nl: "Een van de versies is ongeldig; daarom is over de wijziging niets te zeggen."
    }
    not_valid_heading { en: "Policy change: not valid", nl: "Wijziging van regels: ongeldig" }
}
