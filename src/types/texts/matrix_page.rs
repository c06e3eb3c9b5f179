//! The sentences of the page of `poort matrix`, the review of rights. A sentence with something marked in it is in parts, with
//! their spaces.

use crate::types::language::Language;
use std::fmt::Display;

texts! {
    title(day) { en: "Who may do what on {day}", nl: "Wie wat mag op {day}" }
    title_of_one(action, record, day) { en: "Who may {action} {record} on {day}", nl: "Wie {action} mag bij {record} op {day}" }
    title_of_part(title, part) { en: "{title}: only {part}", nl: "{title}: alleen {part}" }
    whole_review { en: "The review of rights: ", nl: "De beoordeling van rechten: " }
    part_of_review { en: "A part of the review of rights: ", nl: "Een deel van de beoordeling van rechten: " }
    of_directory(accounts, operations, types) {
        en: "{accounts} of the directory, {operations}, {types}. Policies ",
        nl: "{accounts} in de administratie, {operations}, {types}. Regels "
    }
    and_directory { en: ", directory ", nl: ", administratie " }
    accounts { en: "accounts", nl: "accounts" }
    types_of_record { en: "types of record", nl: "soorten gegevens" }
    never { en: "never", nl: "nooit" }
    test_accounts_left_out { en: "test accounts left out", nl: "testaccounts weggelaten" }
    contents { en: "Contents", nl: "Inhoud" }
    how_to_read { en: "How to read it", nl: "Hoe dit te lezen" }
    what_changed { en: "What changed", nl: "Wat is gewijzigd" }
    at_a_glance { en: "At a glance", nl: "In één overzicht" }
    what_groups_give { en: "What groups give", nl: "Wat groepen geven" }
    account_by_account { en: "Account by account", nl: "Per account" }
    limits { en: "Limits", nl: "Beperkingen" }
    left_out { en: "Left out", nl: "Weggelaten" }
    about_a_part(part) {
        en: "This page is about a part: only {part}. Whatever else there is, it leaves out.",
        nl: "Deze pagina gaat over een deel: alleen {part}. Al het andere is weggelaten."
    }
    nobody_left_out {
        en: "No account is left out: the schema marks no test accounts (",
        nl: "Geen account is weggelaten: het schema wijst geen testaccounts aan ("
    }
    nobody_of_part_left_out {
        en: "No account of that part is left out: the schema marks no test accounts (",
        nl: "Geen account van dat deel is weggelaten: het schema wijst geen testaccounts aan ("
    }
    left_out_by(accounts, how) {
        en: "{accounts} left out. A test account is one whose {how}.",
        nl: "{accounts} weggelaten. Een testaccount is een account waarvan geldt: {how}."
    }
    accounts_left_out { en: "Test accounts that are left out", nl: "Testaccounts die zijn weggelaten" }
    account_head { en: "Account", nl: "Account" }
    name_head { en: "Name", nl: "Naam" }
    in_head { en: "In", nl: "Hoort bij" }
    may_something { en: "May do something with", nl: "Mag iets met" }
    show_accounts { en: "Show accounts with ", nl: "Toon accounts met " }
    sought { en: "name, id, unit, role, policy…", nl: "naam, id, eenheid, rol, regel…" }
    found(count, all) { en: "{count} of {all} accounts", nl: "{count} van {all} accounts" }
    in_groups(groups) { en: "in {groups}", nl: "hoort bij {groups}" }
    no_authorisation {
        en: "No authorisation of its own, nor by what it refers to.",
        nl: "Geen autorisatie van het account zelf, en geen via wat het noemt."
    }
    authorisations_of(account) { en: "Authorisations of {account}", nl: "Autorisaties van {account}" }
    authorised_for { en: "Authorised for", nl: "Geautoriseerd voor" }
    by_head { en: "By", nl: "Via" }
    state_head { en: "State", nl: "Stand" }
    itself { en: "itself", nl: "het account zelf" }
    not_in_directory { en: "not in the directory", nl: "niet in de administratie" }
    the_account_itself { en: "the account itself", nl: "het account zelf" }
    changed_since(since) { en: "What changed since {since}", nl: "Wat is gewijzigd sinds {since}" }
    earlier_side { en: "The earlier side: policies ", nl: "Het eerdere overzicht: regels " }
    on_same_day { en: ", on the same day. ", nl: ", op dezelfde dag. " }
    on_day(day) { en: ", on {day}. ", nl: ", op {day}. " }
    one_changed {
        en: "1 account changed. Conditions are compared as they are written; ",
        nl: "1 account is gewijzigd. Voorwaarden zijn vergeleken zoals ze zijn geschreven; "
    }
    many_changed(count) {
        en: "{count} accounts changed. Conditions are compared as they are written; ",
        nl: "{count} accounts zijn gewijzigd. Voorwaarden zijn vergeleken zoals ze zijn geschreven; "
    }
    diff_proves {
        en: " proves what two versions decide otherwise.",
        nl: " bewijst wat twee versies anders beslissen."
    }
    accounts_head { en: "Accounts", nl: "Accounts" }
    accounts_changed { en: "Accounts that changed", nl: "Accounts die zijn gewijzigd" }
    groups_and_authorisations { en: "Groups and authorisations", nl: "Groepen en autorisaties" }
    rights_head { en: "Rights", nl: "Rechten" }
    rights_changed { en: "Rights that changed", nl: "Rechten die zijn gewijzigd" }
    record_head { en: "Record", nl: "Gegeven" }
    operation_head { en: "Operation", nl: "Handeling" }
    change_head { en: "Change", nl: "Wijziging" }
    how_groups_are_compared {
        en: "Each account's rights were computed with the group and without it. What is listed is the difference, for accounts that are \
             in the group themselves. What they may do for other reasons is not; nor what an attribute gives that names a group, such as \
             the account's unit. ",
        nl: "De rechten van elk account zijn berekend met de groep en zonder de groep. Hier staat het verschil, voor accounts die zelf \
             bij de groep horen. Wat zij om andere redenen mogen, staat er niet; ook niet wat een eigenschap geeft die een groep noemt, zoals \
             de eenheid van het account. "
    }
    its_records { en: "Its records", nl: "De gegevens ervan" }
    its_records_mean { en: ": records that name this group.", nl: ": gegevens die deze groep noemen." }
    what_each_gives(kind) { en: "What each {kind} gives", nl: "Wat elke {kind} geeft" }
    gives_head { en: "Gives", nl: "Geeft" }
    how_cells_read {
        en: "A cell has a letter for each operation that the account, which is one of the directory, may do with records of that type. An \
             empty cell: nothing, whatever is asked. The darker the letters, the further the right reaches:",
        nl: "Een cel heeft een letter voor elke handeling die het account (uit de administratie) mag doen met gegevens van die soort. \
             Een lege cel: niets, wat er ook wordt gevraagd. Hoe donkerder de letters, hoe verder het recht reikt:"
    }
    all_means { en: "records of everyone", nl: "gegevens van iedereen" }
    unit_means {
        en: "only records of a unit, a team or another group that the account is in, or that names it, such as a team that it leads",
        nl: "alleen gegevens van een eenheid, een team of een andere groep waar het account bij hoort, of die het noemt, zoals een team \
             dat het leidt"
    }
    own_means { en: "only records that name the account itself", nl: "alleen gegevens die het account zelf noemen" }
    always_means {
        en: ": no condition is left. All others are allowed under conditions",
        nl: ": er is geen voorwaarde meer. Al het andere is toegestaan onder voorwaarden"
    }
    how_letters_read {
        en: "A capital is an operation. A small letter is a finer one, which is in the operation that is named after it.",
        nl: "Een hoofdletter is een handeling. Een kleine letter is een deel daarvan: de handeling waar het bij hoort, staat erachter."
    }
    within(operation) { en: " in {operation}", nl: " in {operation}" }
    unless_limit { en: "unless a limit holds: ", nl: "tenzij een beperking geldt: " }
    no_limits { en: "Nothing that is allowed above has a limit.", nl: "Niets van wat hierboven is toegestaan, heeft een beperking." }
    how_limits_read {
        en: "What can still forbid something that is allowed above. The accounts refer to these numbers. A limit holds where all of its \
             conditions do.",
        nl: "Wat iets nog kan verbieden dat hierboven is toegestaan. De accounts verwijzen naar deze nummers. Een beperking geldt als al \
             haar voorwaarden gelden."
    }
    number_head { en: "Number", nl: "Nummer" }
    policy_head { en: "Policy", nl: "Regel" }
    conditions_head { en: "Conditions", nl: "Voorwaarden" }
}
