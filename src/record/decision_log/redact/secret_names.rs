//! Names of secrets, such as `Proxy-Authorization` or `sessionToken`.
//!
//! A caller that copies its own request into a question must not put a password into a log that is kept for years.

/// Words that are a secret's name by themselves, also with an `s` at the end.
const WORDS: [&str; 10] = [
    "apikey",
    "authorization",
    "cookie",
    "credential",
    "passwd",
    "password",
    "privatekey",
    "secret",
    "session",
    "token",
];

/// Words that are a secret's name beside each other.
const PAIRS: [(&str, &str); 2] = [("api", "key"), ("private", "key")];

/// One of these is in every name of a secret.
const PARTS: [&[u8]; 8] = [b"auth", b"cookie", b"credential", b"key", b"passw", b"secret", b"session", b"token"];

/// Whether a value under this name is a secret: one of its words, whole, is one of the above.
#[must_use]
pub fn is_secret(name: &str) -> bool {
    may_be_secret(name) && has_secret_word(name)
}

/// Whether a name can be that of a secret: most cannot, which is seen without taking it apart.
fn may_be_secret(name: &str) -> bool {
    // Letters that are not ASCII can have small letters that are.
    !name.is_ascii()
        || PARTS.iter().any(|part| name.as_bytes().windows(part.len()).any(|window| window.eq_ignore_ascii_case(part)))
}

fn has_secret_word(name: &str) -> bool {
    let words = words(name);
    let singular = |word: &str| word.strip_suffix('s').unwrap_or(word).to_owned();
    words.iter().any(|word| WORDS.contains(&word.as_str()) || WORDS.contains(&singular(word).as_str()))
        || words.iter().zip(words.iter().skip(1)).any(|(one, next)| {
            PAIRS.contains(&(one.as_str(), next.as_str())) || PAIRS.contains(&(one.as_str(), singular(next).as_str()))
        })
}

/// The words of a name, in small letters: parted by what is no letter or digit, and where `camelCase` begins a new one.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    let mut characters = name.chars().peekable();
    while let Some(character) = characters.next() {
        let next_is_small = characters.peek().is_some_and(|next| next.is_lowercase());
        let begins = character.is_uppercase() && (before.is_lowercase() || (before.is_uppercase() && next_is_small));
        if begins || !character.is_alphanumeric() {
            words.push(String::new());
        }
        if let (true, Some(word)) = (character.is_alphanumeric(), words.last_mut()) {
            word.extend(character.to_lowercase());
        }
        before = character;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_name_of_a_secret_is_passed_over(name in "([aA]pi|[kKK]ey|KEYS?|auth|[oO]rization|[Cc]ookie|[-_ .]|[Tt]oken|session|SSWORD|pa|[a-zé]){0,6}") {
            prop_assert!(may_be_secret(&name) || !has_secret_word(&name));
        }
    }

    #[test]
    fn secrets_are_known_by_whole_words_of_the_name() {
        for name in [
            "authorization",
            "Proxy-Authorization",
            "Set-Cookie",
            "PASSWORD",
            "db_passwd",
            "clientSecret",
            "access_token",
            "tokens",
            "api_key",
            "API-Key",
            "apiKeys",
            "APIKey",
            "apikey",
            "private.key",
            "credential",
            "Credentials",
            "session",
            "sessionID",
            "x.secret.y",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "",
            "authorisation",
            "tokenize",
            "secretary",
            "keys",
            "key_api",
            "monkey",
            "obsession",
            "private",
            "passwords2",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
