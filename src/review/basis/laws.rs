//! The list of laws: `laws.json` of the policy folder, with the articles that rules may rest on and the version of each text
//! that was read.
//!
//! ```json
//! {"laws": {"wpg": {
//!     "title": "Wet politiegegevens", "id": "BWBR0022463", "read": {"text": "2023-11-01", "on": "2026-11-28"},
//!     "articles": {"8": {"title": "the daily police task", "parts": "(1) (2) (3) (4) (5) (6)"}}
//! }}}
//! ```
//!
//! An article without `read` has that of its law. Without either it is from memory: no text was read.

use super::{
    numbered::Numbered,
    reference::{LawId, Reference, read_parts},
};
use crate::types::{
    problem::{Problem, SourceFile, json_place},
    suggest::nearest,
};
use jiff::civil::Date;
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};
use std::{collections::BTreeMap, fmt, io::ErrorKind::NotFound, marker::PhantomData, path::Path};

/// The name of the file.
pub const FILE: &str = "laws.json";

/// The laws of a policy folder.
#[derive(Debug, Clone)]
pub struct Laws {
    /// The file.
    pub file: SourceFile,
    /// The laws, by their short names.
    pub laws: BTreeMap<LawId, Law>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(rename = "$schema")]
    _schema: Option<String>,
    #[serde(deserialize_with = "unique")]
    laws: BTreeMap<LawId, Law>,
}

/// A law.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Law {
    /// Its whole title.
    pub title: String,
    /// The number of its text, such as BWBR0022463 or 32016L0680.
    pub id: Option<String>,
    /// How its articles were read.
    pub read: Option<Read>,
    /// The articles that rules may rest on.
    #[serde(deserialize_with = "unique")]
    pub articles: BTreeMap<Numbered, Article>,
}

/// An article.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Article {
    /// What it is about, in plain words.
    pub title: Option<String>,
    #[serde(default)]
    parts: Parts,
    read: Option<Read>,
}

/// The paragraphs and letters of an article, as `(1) (1)(a) (2)`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(try_from = "String")]
struct Parts(Vec<Vec<Numbered>>);

/// How a text was read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Read {
    /// The day since which that text was in force.
    pub text: Day,
    /// The day on which it was read.
    pub on: Day,
}

/// A day, or no more than its month or year, where no more is known: `2018-07-28`, `2018-07`, `2018`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Day(String);

impl Laws {
    /// Reads the list of a policy folder. `None`: the folder has none.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(policies: &Path) -> Result<Option<Self>, Box<Problem>> {
        let path = policies.join(FILE);
        // A link to nothing is a mistake, and no folder without a list.
        if path.symlink_metadata().is_err_and(|error| error.kind() == NotFound) {
            return Ok(None);
        }
        let file = SourceFile::read(&path, "laws::unreadable", "laws::not-utf8")?;
        match serde_json::from_str::<Written>(&file.text) {
            Ok(Written { laws, .. }) => Ok(Some(Self { file, laws })),
            Err(error) => {
                let place = json_place(&file.text, &error);
                let message = error.to_string();
                // The place is shown by the report.
                let message = message.split_once(" at line ").map_or(message.as_str(), |(message, _)| message);
                let problem = Problem::error("laws::invalid", &file, message).at(place, "here");
                Err(Box::new(problem.help("the form is in poort-laws.schema.json, with which editors check the file")))
            }
        }
    }

    /// Reads a reference to an article of the list, or to a part of it.
    ///
    /// # Errors
    /// What is wrong with it or not in the list, and advice.
    pub fn find(&self, text: &str) -> Result<Reference, (String, String)> {
        let reference = text.parse::<Reference>().map_err(|message| {
            let help = self.nearest(text).unwrap_or_else(|| format!("the laws are {}", self.names()));
            (message, help)
        })?;
        let Reference { law, article, parts } = &reference;
        let message = match self.laws.get(law).map(|law| law.articles.get(article)) {
            None => format!("{FILE} has no law `{law}`"),
            Some(None) => format!("{FILE} has no article {article} of `{law}`"),
            Some(Some(known)) if known.has(parts) => return Ok(reference),
            Some(Some(_)) => format!("{FILE} has no such part of `{law}:{article}`"),
        };
        let add = format!("read the text of the law, and add it to {FILE}");
        let help = self.nearest(text).map_or_else(|| add.clone(), |near| format!("{near} If not, {add}"));
        Err((format!("`{text}`: {message}"), help))
    }

    /// The short names of the laws.
    #[must_use]
    pub fn names(&self) -> String {
        self.laws.keys().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }

    /// Asks for the reference that is nearest to a text, also to one in the form `Wpg art. 8(1)`.
    fn nearest(&self, text: &str) -> Option<String> {
        let known: Vec<_> = self.references().collect();
        let text = text.replace(" art. ", ":").replace(' ', "");
        nearest(&text, known.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?"))
    }

    /// How the article was read. `None`: from memory, or it is not known.
    #[must_use]
    pub fn reading(&self, law: &LawId, article: &Numbered) -> Option<&Read> {
        let law = self.laws.get(law)?;
        law.articles.get(article)?.read.as_ref().or(law.read.as_ref())
    }

    /// Everything that can be cited, as it is written.
    fn references(&self) -> impl Iterator<Item = String> {
        let articles = self.laws.iter().flat_map(|(law, known)| known.articles.iter().map(move |it| (law, it)));
        articles.flat_map(|(law, (article, known))| {
            let whole = std::iter::once(&[][..]);
            whole.chain(known.parts.0.iter().map(Vec::as_slice)).map(move |parts| {
                Reference { law: law.clone(), article: article.clone(), parts: parts.to_vec() }.to_string()
            })
        })
    }
}

impl Article {
    /// Whether it has this part: a letter has its paragraph too.
    fn has(&self, parts: &[Numbered]) -> bool {
        parts.is_empty() || self.parts.0.iter().any(|known| known.starts_with(parts))
    }
}

impl TryFrom<String> for Parts {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parts = text.split_whitespace().map(read_parts).collect::<Option<_>>();
        parts.map(Self).ok_or_else(|| format!("`{text}` are no parts of an article; write them as in `(1) (1)(a) (2)`"))
    }
}

impl TryFrom<String> for Day {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let rest = match text.len() {
            4 => "-01-01",
            7 => "-01",
            _ => "",
        };
        let whole = format!("{text}{rest}");
        if whole.len() == 10 && whole.parse::<Date>().is_ok() {
            Ok(Self(text))
        } else {
            Err(format!("`{text}` is no day; write year, month and day, as in 2026-11-28, or the year alone"))
        }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads a map in which no name is given twice; serde would keep the last. `serde_with` refuses it too, but says neither
/// which name nor where.
fn unique<'de, D, K, V>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
where
    D: Deserializer<'de>,
    K: Deserialize<'de> + Ord + fmt::Display,
    V: Deserialize<'de>,
{
    struct Unique<K, V>(PhantomData<(K, V)>);

    impl<'de, K: Deserialize<'de> + Ord + fmt::Display, V: Deserialize<'de>> Visitor<'de> for Unique<K, V> {
        type Value = BTreeMap<K, V>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
            let mut map = BTreeMap::new();
            while let Some(key) = access.next_key::<K>()? {
                if map.contains_key(&key) {
                    return Err(A::Error::custom(format!("`{key}` is given twice")));
                }
                map.insert(key, access.next_value()?);
            }
            Ok(map)
        }
    }

    deserializer.deserialize_map(Unique(PhantomData))
}
