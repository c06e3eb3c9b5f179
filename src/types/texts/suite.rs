//! The sentences of `poort test`. Reports for programs (JSON, JUnit) have them in English.

use crate::types::language::Language;
use std::fmt::Display;

texts! {
    one_suite { en: "1 suite", nl: "1 testset" }
    many_suites(count) { en: "{count} suites", nl: "{count} testsets" }
    one_mistake { en: "1 mistake", nl: "1 fout" }
    many_mistakes(count) { en: "{count} mistakes", nl: "{count} fouten" }
    in_files(mistakes) { en: "; {mistakes} in files of suites", nl: "; {mistakes} in bestanden van testsets" }
    in_its_file(mistakes) { en: "; {mistakes} in its file", nl: "; {mistakes} in het bestand ervan" }
    passed(count) { en: "{count} passed", nl: "{count} geslaagd" }
    failed(count) { en: "{count} failed", nl: "{count} mislukt" }
    mistaken(count) { en: "{count} could not be asked", nl: "{count} niet te stellen" }
    note(note) { en: "note: {note}", nl: "toelichting: {note}" }
    expected_but_unfit(decision, error) {
        en: "expected {decision}, but the question does not fit the schema: {error}",
        nl: "verwacht {decision}, maar de vraag past niet bij het schema: {error}"
    }
    expected_decision(wanted, given, reason) {
        en: "expected {wanted}, got {given}. {reason}",
        nl: "verwacht {wanted}, gekregen {given}. {reason}"
    }
    determining { en: "determining policies", nl: "bepalende regels" }
    failing { en: "policies that fail to evaluate", nl: "regels die niet te beoordelen zijn" }
    expected_count(count, what, given) {
        en: "expected {count} {what}, got {given}",
        nl: "verwacht {count} {what}, gekregen {given}"
    }
    expected_all(what, wanted, given) {
        en: "expected the {what} {wanted}, got {given}",
        nl: "verwacht de {what} {wanted}, gekregen {given}"
    }
    expected_among(missing, what, given) {
        en: "expected {missing} among the {what}, got {given}",
        nl: "verwacht {missing} bij de {what}, gekregen {given}"
    }
    expected_obligations(wanted, given) {
        en: "expected the obligations {wanted}, got {given}",
        nl: "verwacht de verplichtingen {wanted}, gekregen {given}"
    }
    expected_type(id, kind, given) {
        en: "expected the obligation {id} to be of type {kind}, it is {given}",
        nl: "verwacht dat verplichting {id} van type {kind} is, het is {given}"
    }
    other_properties(id, properties) {
        en: "the obligation {id} has other properties: {properties}",
        nl: "verplichting {id} heeft andere eigenschappen: {properties}"
    }
    expected_advice(wanted, given) {
        en: "expected the advice {wanted}, got {given}",
        nl: "verwacht het advies {wanted}, gekregen {given}"
    }
    nothing_listed { en: "none", nl: "geen" }
    policy_applies(policy) { en: "{policy} applies", nl: "{policy} geldt" }
    policy_applies_not(policy) { en: "{policy} does not apply", nl: "{policy} geldt niet" }
    policy_fails(policy) { en: "{policy} cannot be evaluated", nl: "{policy} is niet te beoordelen" }
    error { en: "error", nl: "fout" }
    never_applied { en: "never applied", nl: "nooit van toepassing" }
    never_reached { en: "never reached", nl: "nooit bekeken" }
    never_false { en: "never false", nl: "nooit onwaar" }
    never_true { en: "never true", nl: "nooit waar" }
    both_ways { en: "both ways", nl: "waar en onwaar" }
    whole_policy { en: "the whole policy", nl: "de hele regel" }
    share(covered, total, percent) { en: "{covered} of {total} ({percent} %)", nl: "{covered} van {total} ({percent} %)" }
    all_files { en: "all", nl: "alles" }
    coverage { en: "coverage", nl: "dekking" }
    policies_applied { en: "policies that applied", nl: "regels die van toepassing waren" }
    conditions_seen { en: "conditions seen both ways", nl: "voorwaarden waar en onwaar gezien" }
    not_seen { en: "not seen:", nl: "niet gezien:" }
    policy_gone(effect, id) { en: "the {effect} {id} is gone", nl: "{effect} {id} is weg" }
    becomes(before, after) { en: "{before} becomes {after}", nl: "{before} wordt {after}" }
    condition_becomes(before, after) { en: "{before}  becomes  {after}", nl: "{before}  wordt  {after}" }
    change_without(change, others) { en: "{change}, without {others}", nl: "{change}, zonder {others}" }
    missing_false {
        en: "a case in which it is false, and all else lets the policy apply",
        nl: "een geval waarin dit onwaar is, en de regel voor het overige geldt"
    }
    missing_true {
        en: "a case in which it is true, and the policy decides",
        nl: "een geval waarin dit waar is, en de regel beslist"
    }
    missing_decisive {
        en: "a case in which only this decides whether the policy applies",
        nl: "een geval waarin alleen dit bepaalt of de regel geldt"
    }
    missing_limit { en: "a case exactly at the limit", nl: "een geval precies op de grens" }
    missing_step { en: "cases just before and just after the limit", nl: "gevallen vlak voor en vlak na de grens" }
    missing_element { en: "a case with exactly this element", nl: "een geval met precies dit element" }
    missing_kept_out {
        en: "a case that this part keeps out, and that all else lets in",
        nl: "een geval dat alleen door dit deel buiten de regel valt"
    }
    missing_decided {
        en: "a case that this policy decides, and no other policy decides in the same way",
        nl: "een geval waarover deze regel beslist, en waarvoor geen andere regel hetzelfde besluit geeft"
    }
    missing_control {
        en: "a case that it is about, and that a change of one policy would allow (for a permit: deny)",
        nl: "een geval waar de waarborg over gaat, en dat een wijziging van één regel zou toestaan (bij een waarborg die toestaat: zou weigeren)"
    }
    unnoticed_changes { en: "changes that no case notices:", nl: "wijzigingen die in geen testgeval opvallen:" }
    no_case_here(missing) { en: "no case comes here; missing: {missing}", nl: "geen geval komt hier; ontbreekt: {missing}" }
    one_case_here(missing) { en: "1 case comes here; missing: {missing}", nl: "1 geval komt hier; ontbreekt: {missing}" }
    cases_here(count, missing) {
        en: "{count} cases come here; missing: {missing}",
        nl: "{count} gevallen komen hier; ontbreekt: {missing}"
    }
    explained_changes {
        en: "changes that the policies explain as harmless:",
        nl: "wijzigingen waarvan de regels uitleggen dat ze geen verschil maken:"
    }
    because(reason) { en: "because {reason}", nl: "omdat {reason}" }
    unbroken_guarantees {
        en: "guarantees that no change breaks in any case:",
        nl: "waarborgen waarvan geen testgeval toont dat een wijziging ze schendt:"
    }
    missing(what) { en: "missing: {what}", nl: "ontbreekt: {what}" }
    guarantees_broken(broken, all) {
        en: "guarantees: {broken} of {all} broken by a change in a case",
        nl: "waarborgen: {broken} van {all} in een testgeval geschonden door een wijziging"
    }
    one_change { en: "1 change", nl: "1 wijziging" }
    many_changes(count) { en: "{count} changes", nl: "{count} wijzigingen" }
    mutation_sum(tried, noticed, unnoticed, explained, invalid, same) {
        en: "mutation: {tried} tried, {noticed} noticed, {unnoticed} not noticed, {explained} explained; not tried: {invalid} that do not \
             fit the schema, {same} that change nothing",
        nl: "mutatie: {tried} geprobeerd, {noticed} opgemerkt, {unnoticed} niet opgemerkt, {explained} uitgelegd; niet geprobeerd: \
             {invalid} die niet bij het schema passen, {same} die niets wijzigen"
    }
    title { en: "Tests of the policies", nl: "Tests van de regels" }
    summary {
        en: "What the test suites expect, and which conditions of the policies they have seen.",
        nl: "Wat de testsets verwachten, en welke voorwaarden van de regels zij hebben gezien."
    }
    cases { en: "cases", nl: "gevallen" }
    failed_figure { en: "failed", nl: "mislukt" }
    suites { en: "Suites", nl: "Testsets" }
    suite { en: "Suite", nl: "Testset" }
    file { en: "File", nl: "Bestand" }
    passed_head { en: "Passed", nl: "Geslaagd" }
    failed_head { en: "Failed", nl: "Mislukt" }
    not_asked { en: "Not asked", nl: "Niet gesteld" }
    failed_cases { en: "Failed cases", nl: "Mislukte gevallen" }
    problems { en: "Problems of the suites", nl: "Problemen van de testsets" }
    not_seen_head { en: "Not seen", nl: "Niet gezien" }
    nothing { en: "nothing", nl: "niets" }
    all_was_seen {
        en: " Every policy applied in some case, and every condition was seen both ways.",
        nl: " Elke regel was in een geval van toepassing, en elke voorwaarde is waar en onwaar gezien."
    }
    what_was_not_seen { en: "What the tests have not seen", nl: "Wat de tests niet hebben gezien" }
    what { en: "What", nl: "Wat" }
    policy { en: "Policy", nl: "Regel" }
    condition { en: "Condition", nl: "Voorwaarde" }
    place { en: "Place", nl: "Plaats" }
    unnoticed_head { en: "Changes that no case notices", nl: "Wijzigingen die in geen testgeval opvallen" }
    changes_tried(tried, noticed) {
        en: "{tried} changes of one condition were tried; some case notices {noticed} of them.",
        nl: "{tried} wijzigingen van één voorwaarde zijn geprobeerd; {noticed} daarvan worden in een geval opgemerkt."
    }
    change { en: "Change", nl: "Wijziging" }
    missing_head { en: "Missing", nl: "Wat ontbreekt" }
    explained { en: "explained", nl: "uitgelegd" }
    guarantees_head { en: "Guarantees and what breaks them", nl: "Waarborgen en wat ze schendt" }
    guarantee { en: "Guarantee", nl: "Waarborg" }
    breaking_change { en: "Change that breaks it", nl: "Wijziging die deze schendt" }
    case { en: "Case", nl: "Geval" }
    none { en: "none", nl: "geen" }
    policies { en: "Policies", nl: "Regels" }
    a_condition { en: "condition", nl: "voorwaarde" }
    hover_shows {
        en: "The number of cases shows when the pointer rests on a condition.",
        nl: "Het aantal gevallen verschijnt als de aanwijzer op een voorwaarde staat."
    }
    all_seen { en: "all seen", nl: "alles gezien" }
    so_many_unseen(count) { en: "{count} not seen", nl: "{count} niet gezien" }
    template_without_links { en: "a template without links", nl: "een sjabloon zonder koppelingen" }
    applied_in_one { en: "applied in 1 case", nl: "van toepassing in 1 geval" }
    applied_in(count) { en: "applied in {count} cases", nl: "van toepassing in {count} gevallen" }
    seen_in(holds, fails) { en: "true in {holds}, false in {fails} cases", nl: "waar in {holds}, onwaar in {fails} gevallen" }
    failed_in(count) { en: ", could not be evaluated in {count}", nl: ", niet te beoordelen in {count}" }
}
