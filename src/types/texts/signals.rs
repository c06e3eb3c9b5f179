//! The sentences of signals (`poort signals`). A signal is a question: no sentence says that use was wrong.

use crate::types::language::Language;
use std::fmt::Display;

texts! {
    unexplained(days, observed, of, among, expected) {
        en: "Counted over {days} of its days with questions, this account had access to {observed} records without a known reason, of \
             {of} that it had no access to before; {among} {expected} is usual.",
        nl: "Geteld over {days} van zijn dagen met vragen had dit account toegang tot {observed} gegevens zonder bekende reden, van \
             {of} waartoe het nog geen toegang had; {among} is {expected} gebruikelijk."
    }
    breadth(observed, among, expected) {
        en: "Today this account had access to {observed} records that it had no access to before; {among} {expected} is usual.",
        nl: "Vandaag had dit account toegang tot {observed} gegevens waartoe het nog geen toegang had; {among} is {expected} gebruikelijk."
    }
    burst(observed, among, expected) {
        en: "Within minutes this account made {observed} calls; {among} {expected} is usual at a day's busiest moment.",
        nl: "Binnen enkele minuten deed dit account {observed} aanroepen; {among} is {expected} gebruikelijk op het drukste moment van \
             een dag."
    }
    enumeration(observed, among, expected) {
        en: "Today this account asked about {observed} records in a row whose numbers follow each other; {among} {expected} is usual, \
             where numbers do.",
        nl: "Vandaag vroeg dit account naar {observed} gegevens op rij waarvan de nummers op elkaar volgen; {among} is {expected} \
             gebruikelijk, waar nummers dat doen."
    }
    probing(observed, of, among, expected) {
        en: "Today {observed} of {of} calls of this account had a denied question, by several policies; {among} {expected} is usual.",
        nl: "Vandaag is in {observed} van {of} aanroepen van dit account een vraag geweigerd, door verschillende regels; {among} is \
             {expected} gebruikelijk."
    }
    shopping(observed, among, expected) {
        en: "Today in {observed} calls this account had access to a record that was denied to it minutes before, with another purpose, \
             task or application; {among} {expected} is usual.",
        nl: "Vandaag had dit account in {observed} aanroepen toegang tot een gegeven dat het minuten daarvoor werd geweigerd, met een \
             ander doel, een andere taak of een andere applicatie; {among} is {expected} gebruikelijk."
    }
    among_peers(peers, accounts) {
        en: "among its peers ({peers}: {accounts} accounts)",
        nl: "bij vergelijkbare accounts ({peers}: {accounts} accounts)"
    }
    on_own_days { en: "on its own earlier days", nl: "op zijn eigen eerdere dagen" }
    everybody { en: "all accounts", nl: "alle accounts" }
    odds(odds) { en: "The probability of today alone is 1 in {odds}.", nl: "De kans op alleen vandaag is 1 op {odds}." }
    no_odds {
        en: "The probability of today alone is less than 1 in 100 000 000.",
        nl: "De kans op alleen vandaag is kleiner dan 1 op 100 000 000."
    }
    tried(titles) { en: "Reasons that were looked for: {titles}", nl: "Redenen waarnaar is gezocht: {titles}" }
    crowd(observed, days) {
        en: "Within {days} days {observed} accounts had access to one record, each without a known reason.",
        nl: "Binnen {days} dagen hadden {observed} accounts toegang tot één gegeven, elk zonder bekende reden."
    }
    crowd_at_records(observed, days, of) {
        en: "{observed} accounts had access to {of} records without a known reason, to each of them many within {days} days.",
        nl: "{observed} accounts hadden zonder bekende reden toegang tot {of} gegevens, en bij elk daarvan veel accounts binnen {days} dagen."
    }
    disclosure(observed, among, expected) {
        en: "Today this account disclosed records {observed} times to one recipient; {among} {expected} is usual.",
        nl: "Vandaag verstrekte dit account {observed} keer gegevens aan één ontvanger; {among} is {expected} gebruikelijk."
    }
    new_disclosure {
        en: "This account disclosed records of a type, to a recipient and on a legal basis that it had not together before.",
        nl: "Dit account verstrekte gegevens van een soort, aan een ontvanger en op een grondslag die het nog niet samen had."
    }
    at_rare_hour {
        en: "It was at an hour of the week at which its peers seldom ask.",
        nl: "Dat was op een uur van de week waarop vergelijkbare accounts zelden vragen."
    }
    after_pause { en: "It had asked nothing for long.", nl: "Het had lang niets gevraagd." }
    rule(title) { en: "A rule was met: {title}", nl: "Een regel is geraakt: {title}" }
    faded { en: "Nothing new came for a time.", nl: "Er kwam een tijd niets nieuws bij." }
    followed { en: "Somebody follows it up.", nl: "Iemand volgt het op." }
    justified {
        en: "It is closed: the use had a reason that poort did not know.",
        nl: "Het is gesloten: het gebruik had een reden die poort niet kende."
    }
    mistake { en: "It is closed: the use was a mistake.", nl: "Het is gesloten: het gebruik was een vergissing." }
    misuse { en: "It is closed: the use was wrong.", nl: "Het is gesloten: het gebruik was onjuist." }
    unclear {
        en: "It is closed: what the use was for cannot be said.",
        nl: "Het is gesloten: waarvoor het gebruik was, is niet te zeggen."
    }
    no_judgement {
        en: "This does not say that the use was wrong.",
        nl: "Dit zegt niet dat het gebruik onjuist was."
    }
}
