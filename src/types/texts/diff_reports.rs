//! What each form of the reports of `poort diff` has for itself: the page, Markdown and the terminal. A sentence with something
//! marked in it is in parts, with their spaces.

use crate::types::language::Language;
use std::fmt::Display;

texts! {
    undecided_figure { en: "undecided", nl: "onbeslist" }
    guarantees_figure { en: "guarantees", nl: "waarborgen" }
    obligations_figure { en: "obligations", nl: "verplichtingen" }
    applications_figure { en: "applications", nl: "applicaties" }
    directory_figure { en: "directory", nl: "administratie" }
    equal_figure { en: "proven equal", nl: "bewezen gelijk" }
    environments_figure { en: "environments", nl: "combinaties" }
    compared { en: "Compared: ", nl: "Vergeleken: " }
    with_policies { en: " (policies ", nl: " (regels " }
    and_directory { en: ", directory ", nl: ", administratie " }
    with_side { en: ") with ", nl: ") met " }
    what_environments_are {
        en: "An environment is a type of account, an operation and a type of record. Proven equal: for every question, at every moment, \
             both sides decide alike.",
        nl: "Een combinatie is een soort account, een handeling en een soort gegeven. Bewezen gelijk: op elke vraag, op elk moment, geven \
             beide versies hetzelfde besluit."
    }
    show_only { en: "Show only what holds this text: ", nl: "Toon alleen wat deze tekst bevat: " }
    environments { en: "Environments", nl: "Combinaties" }
    account { en: "account", nl: "account" }
    operation { en: "operation", nl: "handeling" }
    record { en: "record", nl: "gegeven" }
    result { en: "result", nl: "uitkomst" }
    settled { en: "settled", nl: "vastgesteld door" }
    each_with_question(environments) {
        en: "{environments}, each with its question",
        nl: "{environments}, elk met een eigen vraag"
    }
    undecided_head { en: "Undecided", nl: "Onbeslist" }
    guarantees_head { en: "Guarantees", nl: "Waarborgen" }
    what_guarantees_are {
        en: "A guarantee says what must hold whatever the policies say. One that is gone keeps no later change from breaking it.",
        nl: "Een waarborg zegt wat moet gelden, wat de regels ook zeggen. Is een waarborg weg, dan valt het niet meer op als een latere \
             wijziging die schendt."
    }
    the_guarantee { en: "The guarantee ", nl: "De waarborg " }
    is { en: " is ", nl: " is " }
    obligations_head { en: "Obligations", nl: "Verplichtingen" }
    what_obligations_are {
        en: "What the answer asks of the application: what to hide, to show or to record.",
        nl: "Wat de applicatie volgens het antwoord moet verbergen, tonen of vastleggen."
    }
    asks_something_else { en: " asks something else of callers", nl: " vraagt iets anders van applicaties" }
    applications_head { en: "Applications", nl: "Applicaties" }
    what_applications_may {
        en: "What an application may ask at all: for which subjects, about which actions and records.",
        nl: "Wat een applicatie mag vragen: namens welke vragers, over welke handelingen en gegevens."
    }
    may_ask_something_else { en: " may ask something else", nl: " mag iets anders vragen" }
    directory_head { en: "Directory", nl: "Administratie" }
    what_directory_changed {
        en: "What the directory says of accounts, and of what they are in or refer to, changed. Below each change is what it allows and \
             denies.",
        nl: "Wat de administratie zegt over accounts, en over waar zij bij horen of naar verwijzen, is gewijzigd. Onder elke wijziging \
             staat wat die toestaat en weigert."
    }
    circumstances { en: "circumstances", nl: "omstandigheden" }
    a_question_in(environment) { en: "A question in {environment}: ", nl: "Een vraag in {environment}: " }
    real_accounts { en: "accounts of the directory", nl: "accounts in de administratie" }
    made_up_accounts { en: "made-up accounts", nl: "verzonnen accounts" }
    asked { en: "asked", nl: "gevraagd" }
    question_for_evaluate { en: "The question for poort evaluate", nl: "De vraag voor poort evaluate" }
    would_have_to_hold {
        en: "Its accounts are made up; the directory would have to hold:",
        nl: "De accounts zijn verzonnen; in de administratie zou moeten staan:"
    }
    schema { en: "Schema", nl: "Schema" }
    no_longer { en: "no longer ", nl: "niet meer " }
    now { en: "now ", nl: "nu " }
    policies { en: "Policies", nl: "Regels" }
    nothing { en: "nothing", nl: "niets" }
    proven_equal(environments, unchanged, proven) {
        en: "{environments} proven equal: {unchanged} have the same policies on both sides, and {proven} were proven by the solver.",
        nl: "{environments} bewezen gelijk: {unchanged} hebben in beide versies dezelfde regels, en {proven} zijn bewezen door de solver."
    }
    same_policies { en: "same policies", nl: "dezelfde regels" }
    proof { en: "proof", nl: "bewijs" }
    earlier_proof { en: "earlier proof", nl: "eerder bewijs" }
    policy_change(verdict) { en: "Policy change: {verdict}", nl: "Wijziging van regels: {verdict}" }
    sides_in_markdown(base, base_policies, base_directory, head, head_policies, head_directory) {
        en: "Compared: {base} (policies `{base_policies}`, directory `{base_directory}`) with {head} (policies `{head_policies}`, \
             directory `{head_directory}`)",
        nl: "Vergeleken: {base} (regels `{base_policies}`, administratie `{base_directory}`) met {head} (regels `{head_policies}`, \
             administratie `{head_directory}`)"
    }
    sides(base, base_policies, base_directory, head, head_policies, head_directory) {
        en: "compared: {base} (policies {base_policies}, directory {base_directory}) with {head} (policies {head_policies}, directory \
             {head_directory})",
        nl: "vergeleken: {base} (regels {base_policies}, administratie {base_directory}) met {head} (regels {head_policies}, \
             administratie {head_directory})"
    }
    guarantee_is(id, words) { en: "The guarantee {id} is {words}", nl: "De waarborg {id} is {words}" }
    what_it_asks_changed(id) {
        en: "What {id} asks of callers changed",
        nl: "Wat {id} van applicaties vraagt, is gewijzigd"
    }
    what_it_may_ask_changed(application) {
        en: "What the application {application} may ask changed",
        nl: "Wat de applicatie {application} mag vragen, is gewijzigd"
    }
    in_directory(id, change) { en: "{id} {change} in the directory", nl: "{id} {change} in de administratie" }
    newly_allowed_head { en: "Newly allowed", nl: "Nieuw toegestaan" }
    newly_denied_head { en: "Newly denied", nl: "Nieuw geweigerd" }
    question_in(environment, accounts) {
        en: "A question in {environment} ({accounts}):",
        nl: "Een vraag in {environment} ({accounts}):"
    }
    asked_at(when) { en: "Asked {when}.", nl: "Gevraagd {when}." }
    before_head { en: "Before", nl: "Vóór de wijziging" }
    after_head { en: "After", nl: "Na de wijziging" }
    the_made_up { en: "The made-up accounts", nl: "De verzonnen accounts" }
    what_changed_in_files { en: "What changed in the files", nl: "Wat in de bestanden is gewijzigd" }
    of_schema(change, what, name) { en: "schema: {change} {what} {name}", nl: "schema: {change} {what} {name}" }
    of_policy(name, change) { en: "policy {name} {change}", nl: "regel {name} {change}" }
    note_line(note) { en: "note: {note}", nl: "opmerking: {note}" }
    undecided_word { en: "UNDECIDED", nl: "ONBESLIST" }
    guarantee_word { en: "GUARANTEE", nl: "WAARBORG" }
    obligations_word { en: "OBLIGATIONS", nl: "VERPLICHTINGEN" }
    application_word { en: "APPLICATION", nl: "APPLICATIE" }
    directory_word { en: "DIRECTORY", nl: "ADMINISTRATIE" }
    allowed_word { en: "NEWLY ALLOWED", nl: "NIEUW TOEGESTAAN" }
    denied_word { en: "NEWLY DENIED", nl: "NIEUW GEWEIGERD" }
    guarantee_line(id, words) { en: "`{id}` is {words}", nl: "`{id}` is {words}" }
    of_changed(id) { en: "of `{id}` changed", nl: "van `{id}` gewijzigd" }
    may_ask(name) { en: "`{name}` may ask something else", nl: "`{name}` mag iets anders vragen" }
    some_not_accepted(open, all) { en: "({open} of {all} not accepted)", nl: "({open} van {all} niet geaccepteerd)" }
    one_of(environments, name) { en: "one of {environments}: {name}", nl: "een van {environments}: {name}" }
    real_question { en: "a question (accounts of the directory)", nl: "een vraag (accounts in de administratie)" }
    made_up_question { en: "a question (made-up accounts)", nl: "een vraag (verzonnen accounts)" }
    asked_line(when) { en: "asked {when}", nl: "gevraagd {when}" }
    with_entity(entity) { en: "with {entity}", nl: "met {entity}" }
    schema_head { en: "schema:", nl: "schema:" }
    policies_head { en: "policies:", nl: "regels:" }
}
