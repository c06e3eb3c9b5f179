//! The first lines of `poort diff`: who can now do what, in words, and one example.

use crate::types::language::Language;
use std::fmt::Display;

texts! {
    asking_allowed(what, about) {
        en: "Whoever asks can now {what}, where {about}.",
        nl: "Nu toegestaan voor wie het ook vraagt, waar {about}: {what}."
    }
    asking_denied(what, about) {
        en: "Whoever asks can no longer {what}, where {about}.",
        nl: "Niet meer toegestaan voor wie het ook vraagt, waar {about}: {what}."
    }
    described_allowed(kind, what) {
        en: "{kind}s that questions describe can now {what}.",
        nl: "Nu toegestaan voor elke {kind} die een vraag beschrijft: {what}."
    }
    described_denied(kind, what) {
        en: "{kind}s that questions describe can no longer {what}.",
        nl: "Niet meer toegestaan voor elke {kind} die een vraag beschrijft: {what}."
    }
    nobody_allowed(kinds, what) {
        en: "No {kinds} of the directory can now {what}; another could.",
        nl: "Voor geen {kinds} in de administratie nu toegestaan: {what}; een ander zou het kunnen."
    }
    nobody_denied(kinds, what) {
        en: "No {kinds} of the directory loses this: {what}; another could.",
        nl: "Geen {kinds} in de administratie verliest dit: {what}; een ander zou het kunnen verliezen."
    }
    any_allowed(kind, what) {
        en: "It is not known whether any {kind} of the directory can now {what}.",
        nl: "Niet bekend is of dit nu is toegestaan voor een {kind} in de administratie: {what}."
    }
    any_denied(kind, what) {
        en: "It is not known whether any {kind} of the directory can no longer {what}.",
        nl: "Niet bekend is of dit niet meer is toegestaan voor een {kind} in de administratie: {what}."
    }
    any_of_allowed(accounts, what) {
        en: "It is not known whether any of {accounts} can now {what}.",
        nl: "Niet bekend is of dit nu is toegestaan voor een van {accounts}: {what}."
    }
    any_of_denied(accounts, what) {
        en: "It is not known whether any of {accounts} can no longer {what}.",
        nl: "Niet bekend is of dit niet meer is toegestaan voor een van {accounts}: {what}."
    }
    accounts_allowed(who, what, groups) {
        en: "{who} can now {what}{groups}.",
        nl: "Nu toegestaan voor {who}{groups}: {what}."
    }
    accounts_denied(who, what, groups) {
        en: "{who} can no longer {what}{groups}.",
        nl: "Niet meer toegestaan voor {who}{groups}: {what}."
    }
    many_of_kind(count, kind) { en: "{count} {kind}s", nl: "{count} accounts van de soort {kind}" }
    at_least(who) { en: "At least {who}", nl: "ten minste {who}" }
    account { en: "account", nl: "account" }
    place_is(place, what) { en: "{place} is {what}", nl: "{place} {what} is" }
    and_place { en: " and ", nl: " en " }
    or_kind { en: " or ", nl: " of " }
    one_more {
        en: "1 more change, of other accounts or operations, is below.",
        nl: "Nog 1 wijziging, voor andere accounts of handelingen, staat hieronder."
    }
    many_more(count) {
        en: "{count} more changes, of other accounts or operations, are below.",
        nl: "Nog {count} wijzigingen, voor andere accounts of handelingen, staan hieronder."
    }
    nobody_can_more {
        en: "No account can do more or less than before.",
        nl: "Geen account kan meer of minder dan voorheen."
    }
    nobody_can_more_in_part {
        en: "No account can do more or less than before in what was looked at.",
        nl: "Geen account kan meer of minder dan voorheen in wat is bekeken."
    }
    undecided_in(count, environments) {
        en: "It is undecided whether accounts can do more or less in {count} of {environments}.",
        nl: "Onbeslist is of accounts meer of minder kunnen in {count} van {environments}."
    }
    not_worked_out(reason) {
        en: "It is not known what the change of the directory allows: {reason}.",
        nl: "Niet bekend is wat de wijziging van de administratie toestaat (melding: {reason})."
    }
    changed_together {
        en: "Policies and the directory changed together: for accounts and records that both concern it is not known what could be done \
             before.",
        nl: "Regels en administratie zijn samen gewijzigd: voor accounts en gegevens die beide aangaan, is niet bekend wat voorheen kon."
    }
    applications_ask_more(names) {
        en: "Applications that may ask more than before: {names}.",
        nl: "Applicaties die meer mogen vragen dan voorheen: {names}."
    }
    no_longer_have_to(id, what) {
        en: "Where `{id}` decides, applications no longer have to: {what}.",
        nl: "Waar `{id}` beslist, hoeven applicaties niet meer: {what}."
    }
    gone_with_it(id, what) {
        en: "`{id}` is gone, and with it: {what}.",
        nl: "`{id}` is weg, en daarmee: {what}."
    }
    now_have_to(id, what) {
        en: "Where `{id}` decides, applications now have to: {what}.",
        nl: "Waar `{id}` beslist, moeten applicaties nu: {what}."
    }
    one_more_obligation { en: "1 more change of obligations below.", nl: "Nog 1 wijziging van verplichtingen hieronder." }
    many_more_obligations(count) {
        en: "{count} more changes of obligations below.",
        nl: "Nog {count} wijzigingen van verplichtingen hieronder."
    }
    renamed(names) { en: "Renamed: {names}.", nl: "Hernoemd: {names}." }
    example_allowed(who, action, resource, rest) {
        en: "For example {who} can now {action} {resource}{rest}",
        nl: "Bijvoorbeeld: {who} kan nu {action} bij {resource}{rest}"
    }
    example_denied(who, action, resource, rest) {
        en: "For example {who} can no longer {action} {resource}{rest}",
        nl: "Bijvoorbeeld: {who} kan niet meer {action} bij {resource}{rest}"
    }
    made_up(kind) { en: "a made-up {kind}", nl: "een verzonnen {kind}" }
    with_context(facts) { en: " with {facts}", nl: " met {facts}" }
    without_context(names) { en: " with {names}", nl: " {names}" }
    lacks(name) { en: "no {name}", nl: "zonder {name}" }
    asked_when(when) { en: ", asked {when}", nl: ", gevraagd {when}" }
    since_changed(facts) { en: ", since {facts}", nl: ", door de wijziging {facts}" }
    allowed_by(policy) { en: "allowed by {policy}", nl: "toegestaan door {policy}" }
    denied_by(policy) { en: "denied by {policy}", nl: "geweigerd door {policy}" }
    more_names(count) { en: "{count} more", nl: "nog {count}" }
    and_more_parts(count) { en: ", and {count} more", nl: ", en nog {count}" }
    last_of(names, last) { en: "{names} and {last}", nl: "{names} en {last}" }
    nothing { en: "nothing", nl: "niets" }
    asked_by(application) { en: "by the application {application}", nl: "door de applicatie {application}" }
    asked_on(day, hour, now) {
        en: "on {day} in hour {hour} (now: {now})",
        nl: "op {day} om {hour} uur (nu: {now})"
    }
    asked_with_token(claims) {
        en: "with the subject's own token ({claims})",
        nl: "met het eigen token van de vrager ({claims})"
    }
    asked_late {
        en: "under policies whose time is over",
        nl: "onder regels waarvan de geldigheid is verlopen"
    }
}
