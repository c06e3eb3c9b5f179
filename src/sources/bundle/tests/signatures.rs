use super::*;
use crate::sources::bundle::{Code, trust::Tally};

fn tally(by: &[Officer]) -> Tally {
    Bundle::read(&signed(next(), by)).unwrap().tally(&trust(), Some(now())).unwrap()
}

#[test]
fn persons_are_counted_and_not_keys() {
    assert_eq!(tally(&[ANNA, ANNA_TOO]).signers.len(), 1);
    assert!(!tally(&[ANNA, ANNA_TOO]).is_enough());
    assert!(tally(&[ANNA, BRAM]).is_enough());
}

#[test]
fn a_refusal_names_who_signed_and_who_is_missing() {
    let refusal = judge(&signed(next(), &[ANNA, EMMA])).unwrap_err();
    assert_eq!(refusal.code, Code::Signatures);
    let message = refusal.message;
    assert!(
        message.starts_with("`bundle` takes 2 persons; signed by Anna Voorbeeld; missing 1 of: Bram Voorbeeld,"),
        "{message}"
    );
    assert!(message.contains("is of Emma Voorbeeld, and not valid at this time"), "{message}");
    assert!(!message.contains("Dirk"), "he may not sign for this: {message}");
}

#[test]
fn a_security_key_must_be_touched_and_asked_for_its_pin() {
    for (officer, counts) in [
        (gijs(0), false),
        (gijs(TOUCHED), true),
        (gijs(TOUCHED_WITH_PIN), true),
        // Other flags neither help nor harm.
        (gijs(0xfe), false),
        (gijs(0xff), true),
        (cora(0), false),
        (cora(TOUCHED), false),
        (cora(0x04), false),
        (cora(TOUCHED_WITH_PIN), true),
    ] {
        assert_eq!(tally(&[officer]).signers.len(), usize::from(counts), "{officer:?}");
    }
}

#[test]
fn a_key_whose_time_is_over_counts_for_what_was_active_alone() {
    let manifest = Manifest { created: at("2026-10-01T00:00:00Z"), ..next() };
    let bytes = signed(manifest, &[ANNA, EMMA]);
    assert_eq!(Verified::new(&bytes, &trust(), now()).unwrap_err().code, Code::Signatures);
    assert!(Verified::active(&bytes, &trust()).is_ok());
}

#[test]
fn a_rollback_takes_those_who_may_sign_for_one() {
    assert!(judge(&signed(rollback(), &[ANNA, BRAM])).is_ok());
    let refusal = judge(&signed(rollback(), &[ANNA, gijs(TOUCHED)])).unwrap_err();
    assert!(refusal.message.contains("is of Gijs Voorbeeld, who may not sign for `rollback`"), "{refusal}");
}
