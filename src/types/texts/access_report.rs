//! The sentences of the access report (`poort log report`).

use crate::types::language::Language;
use std::fmt::Display;

texts! {
    title { en: "Access report", nl: "Inzageoverzicht" }
    questions { en: "questions", nl: "vragen" }
    allowed_count { en: "allowed", nl: "toegestaan" }
    denied_count { en: "denied or not answered", nl: "geweigerd of niet beantwoord" }
    accounts { en: "accounts", nl: "accounts" }
    about { en: "Who asked for data about", nl: "Wie vroeg om gegevens over" }
    from_until(since, until) { en: "from {since} until {until}", nl: "van {since} tot {until}" }
    since_then(since) { en: "since {since}", nl: "vanaf {since}" }
    until_then(until) { en: "until {until}", nl: "tot {until}" }
    whole_log { en: "in the whole log", nl: "in de hele logging" }
    made_on(time, zone) {
        en: "Made on {time}; times are those of {zone}.",
        nl: "Gemaakt op {time}; tijden zijn die van {zone}."
    }
    configured_zone { en: "the configured time zone", nl: "de ingestelde tijdzone" }
    no_question {
        en: "The log has no question about this data subject.",
        nl: "De logging heeft geen vraag over deze betrokkene."
    }
    table { en: "Questions about the data subject", nl: "Vragen over de betrokkene" }
    when { en: "When", nl: "Wanneer" }
    who { en: "Who", nl: "Wie" }
    what { en: "What", nl: "Wat" }
    decision { en: "Decision", nl: "Besluit" }
    why { en: "Why", nl: "Waarom" }
    rules { en: "Rules and articles", nl: "Regels en artikelen" }
    from_where { en: "From", nl: "Vanaf" }
    to_whom { en: "To", nl: "Aan" }
    record(number) { en: "record {number}", nl: "logregel {number}" }
    allowed { en: "allowed", nl: "toegestaan" }
    denied { en: "denied", nl: "geweigerd" }
    no_answer { en: "no answer", nl: "geen antwoord" }
    purpose(purpose) { en: "purpose {purpose}", nl: "doel {purpose}" }
    not_covered { en: "What this report does not cover", nl: "Wat dit overzicht niet laat zien" }
    incomplete { en: "It is not complete", nl: "Het is niet volledig" }
    only_what_fits { en: ": it has only what fits ", nl: ": het heeft alleen wat past bij " }
    decisions_alone {
        en: "It lists decisions. That a question was allowed does not show that the record was opened.",
        nl: "Het noemt besluiten. Dat een vraag is toegestaan, toont niet dat het gegeven is geopend."
    }
    this_log_alone {
        en: "It has the questions of this log alone, and those in which the schema names the data subject (@data_subject). What an \
             application does without asking is in no log of poort.",
        nl: "Het heeft alleen de vragen van deze logging, en daarvan die waarin het schema de betrokkene noemt (@data_subject). Wat \
             een applicatie doet zonder te vragen, staat in geen logging van poort."
    }
    not_removed {
        en: "Records that were removed at the end of their term are not in it.",
        nl: "Logregels die aan het einde van hun termijn zijn verwijderd, staan er niet in."
    }
    pseudonyms {
        en: "Values that the schema conceals are pseudonyms here too.",
        nl: "Waarden die het schema afschermt, zijn ook hier pseudoniemen."
    }
    missing(why) {
        en: "Names of accounts, and rules in this language, are missing for some records: {why}.",
        nl: "Namen van accounts, en regels in deze taal, ontbreken bij sommige logregels: {why}."
    }
}
