//! The sentences of `poort matrix`: the terminal's, the page's, and those that both have. What only the page has is in
//! `matrix_page`.

use crate::types::language::Language;
use std::fmt::Display;

texts! {
    one_account { en: "1 account", nl: "1 account" }
    many_accounts(count) { en: "{count} accounts", nl: "{count} accounts" }
    one_test_account { en: "1 test account", nl: "1 testaccount" }
    many_test_accounts(count) { en: "{count} test accounts", nl: "{count} testaccounts" }
    one_operation { en: "1 operation", nl: "1 handeling" }
    many_operations(count) { en: "{count} operations", nl: "{count} handelingen" }
    one_type { en: "1 type of record", nl: "1 soort gegeven" }
    many_types(count) { en: "{count} types of record", nl: "{count} soorten gegevens" }
    own { en: "own", nl: "eigen" }
    unit { en: "unit", nl: "eenheid" }
    all { en: "all", nl: "alle" }
    own_records { en: "own records", nl: "eigen gegevens" }
    unit_records { en: "unit records", nl: "gegevens van de eenheid" }
    all_records { en: "all records", nl: "alle gegevens" }
    always { en: "always", nl: "altijd" }
    under_conditions { en: "under conditions", nl: "onder voorwaarden" }
    by { en: "by", nl: "volgens" }
    condition_if { en: "if", nl: "als" }
    condition_unless { en: "unless", nl: "tenzij" }
    rights_on(day, always, conditions) {
        en: "Rights on {day}   {always} always   {conditions} under conditions   (own), (unit): only records that name the account, or of \
             groups that it is in or that name it   what is not shown: never",
        nl: "Rechten op {day}   {always} altijd   {conditions} onder voorwaarden   (eigen), (eenheid): alleen gegevens die het account \
             noemen, of die van groepen waar het bij hoort of die het noemen   wat er niet staat: nooit"
    }
    only(part) { en: "only {part}", nl: "alleen {part}" }
    part_account(text) { en: "account `{text}`", nl: "account `{text}`" }
    part_record(text) { en: "type of record `{text}`", nl: "soort gegeven `{text}`" }
    part_action(text) { en: "action `{text}`", nl: "handeling `{text}`" }
    nothing { en: "nothing", nl: "niets" }
    nothing_of_it { en: "nothing of what was asked", nl: "niets van wat is gevraagd" }
    left_out(accounts, how) {
        en: "{accounts} left out ({how}); --with-test-accounts shows them",
        nl: "{accounts} weggelaten ({how}); --with-test-accounts toont ze"
    }
    test_mark(attribute, values) { en: "{attribute} is {values}", nl: "{attribute} is {values}" }
    or { en: " or ", nl: " of " }
    who_can(action, record, day, number, of) {
        en: "Who can {action} {record} on {day}: {number} of {of} of the directory",
        nl: "Wie {action} mag bij {record} op {day}: {number} van {of} in de administratie"
    }
    who_can_of_part(action, record, day, number, of) {
        en: "Who can {action} {record} on {day}: {number} of {of} that were asked for",
        nl: "Wie {action} mag bij {record} op {day}: {number} van {of} waarnaar is gevraagd"
    }
    these_conditions(records) { en: "under these conditions, {records}", nl: "onder deze voorwaarden, {records}" }
    account { en: "account", nl: "account" }
    name { en: "name", nl: "naam" }
    what_gives(kind, day) {
        en: "What each {kind} gives on {day}: what the accounts that are in it itself could not do without it; not what an attribute gives \
             that names it, such as the account's unit",
        nl: "Wat elke {kind} geeft op {day}: wat de accounts die er zelf bij horen zonder dat niet kunnen; niet wat een eigenschap geeft \
             die deze noemt, zoals de eenheid van het account"
    }
    held_by(accounts) { en: "held by {accounts}", nl: "hierbij horen: {accounts}" }
    no_policy_names_it { en: "no policy has it in its text", nl: "geen regel noemt deze" }
    named_by(policies) { en: "named by {policies}", nl: "genoemd in {policies}" }
    gives_nothing(nothing, named) { en: "gives {nothing} to them; {named}", nl: "geeft hun {nothing}; {named}" }
    for_some(number, of) { en: ", {number} of {of}", nl: ", {number} van {of}" }
    less_than_without { en: ": less than without it", nl: ": minder dan zonder" }
    other_than_without { en: ": under other conditions than without it", nl: ": onder andere voorwaarden dan zonder" }
    more_for(number) { en: "more for {number}", nl: "meer voor {number}" }
    less_for(number) { en: "less for {number}", nl: "minder voor {number}" }
    other_for(number) { en: "other conditions for {number}", nl: "andere voorwaarden voor {number}" }
    its_records_by { en: "its records by", nl: "de gegevens ervan volgens" }
    lifts { en: "lifts", nl: "heft op" }
    limited_by { en: "limited by", nl: "beperkt door" }
    not_by { en: "not by", nl: "niet volgens" }
    other_conditions_by { en: "other conditions by", nl: "andere voorwaarden volgens" }
    changed_since(since, accounts) {
        en: "Changed since {since}: {accounts}",
        nl: "Gewijzigd sinds {since}: {accounts}"
    }
    changed_since_on(since, day, accounts) {
        en: "Changed since {since} on {day}: {accounts}",
        nl: "Gewijzigd sinds {since} op {day}: {accounts}"
    }
    new { en: "new", nl: "nieuw" }
    gone { en: "gone", nl: "weg" }
    changed { en: "changed", nl: "gewijzigd" }
    now_test { en: "now a test account", nl: "nu een testaccount" }
    no_longer_test { en: "no test account any more", nl: "geen testaccount meer" }
    joined(group) { en: "joined {group}", nl: "nieuw bij {group}" }
    left(group) { en: "left {group}", nl: "niet meer bij {group}" }
    authorised(what) { en: "authorised for {what}", nl: "geautoriseerd voor {what}" }
    no_longer_authorised(what) { en: "no longer authorised for {what}", nl: "niet meer geautoriseerd voor {what}" }
    authorisation_changed(title, what) {
        en: "authorisation for {title}: {what}",
        nl: "autorisatie voor {title}: {what}"
    }
    by_its(tag, attribute, entity) { en: "{tag} by its {attribute} {entity}", nl: "{tag} via {attribute} {entity}" }
    no_value { en: "none", nl: "geen" }
    gained { en: "gained", nl: "gekregen" }
    wider { en: "wider", nl: "ruimer" }
    may_reach_further {
        en: "other conditions, may reach further",
        nl: "andere voorwaarden, reikt mogelijk verder"
    }
    other_conditions { en: "other conditions", nl: "andere voorwaarden" }
    narrower { en: "narrower", nl: "beperkter" }
    lost { en: "lost", nl: "verloren" }
    applications { en: "What applications may ask", nl: "Wat applicaties mogen vragen" }
    application { en: "application", nl: "applicatie" }
    subjects { en: "subjects", nl: "vragers" }
    organisations { en: "organisations", nl: "organisaties" }
    actions { en: "actions", nl: "handelingen" }
    resources { en: "resources", nl: "gegevens" }
    token { en: "token", nl: "token" }
    any_organisation { en: "any", nl: "elke" }
    no_token { en: "none", nl: "geen" }
    token_if_given { en: "checked-if-given", nl: "gecontroleerd indien meegegeven" }
    token_required { en: "required", nl: "vereist" }
    client(token, id) { en: "{token}, client {id}", nl: "{token}, client {id}" }
}
