//! The sentences of `poort account show`.

use crate::types::language::Language;
use std::fmt::Display;

texts! {
    on_day(day) { en: "on {day}", nl: "op {day}" }
    placement { en: "Placement", nl: "Plaatsing" }
    member_of { en: "In", nl: "Hoort bij" }
    nothing { en: "nothing", nl: "niets" }
    through_another { en: "(through another)", nl: "(via een ander)" }
    authorisations { en: "Authorisations", nl: "Autorisaties" }
    none { en: "none", nl: "geen" }
    its_own { en: "its own", nl: "van het account zelf" }
    by_its(attribute, entity) { en: "by its {attribute}, {entity}", nl: "via {attribute}, {entity}" }
    begins_and_ends { en: "What begins and ends", nl: "Wat begint en eindigt" }
    nothing_from_then { en: "nothing, from this day on", nl: "niets, vanaf deze dag" }
    day { en: "day", nl: "dag" }
    which { en: "which", nl: "welke" }
    of_what { en: "of what", nl: "waarvan" }
    first_day { en: "first day", nl: "eerste dag" }
    last_day { en: "last day", nl: "laatste dag" }
    named_here {
        en: "Who is named here, such as who approved it",
        nl: "Wie hier genoemd is, zoals wie het goedkeurde"
    }
    names_account {
        en: "What names this account, such as what it approved",
        nl: "Wat dit account noemt, zoals wat het goedkeurde"
    }
    place { en: "where", nl: "waar" }
    who_or_what { en: "who or what", nl: "wie of wat" }
    unknown_here { en: "(the directory does not know it)", nl: "(niet bekend in de administratie)" }
    and_more_in_json(count) {
        en: "and {count} more (--format json lists all)",
        nl: "en nog {count} (--format json noemt alles)"
    }
    current { en: "current", nl: "geldt" }
    not_yet { en: "not yet", nl: "nog niet" }
    ended { en: "ended", nl: "geëindigd" }
    can_do { en: "What it can do", nl: "Wat het account kan" }
}
