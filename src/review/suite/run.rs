//! Runs suites: the functions that the server uses translate and decide each question.
//!
//! **Invariant:** a case that cannot be asked as it is meant is a mistake in the suite, never a pass. An account that
//! the directory does not know is denied whatever the policies say, so a misspelt one would satisfy an expected deny.

use super::{
    case::{Case, CedarQuestion, Expected, ExpectedDecision, ExpectedObligation, Names, Question, Suite, When},
    explain::{Line, explain},
    undeclared::{Undeclared, undeclared, undeclared_pdp},
};
use crate::{
    pdp::{
        Clock,
        conditions::Conditioned,
        engine::{self, World},
    },
    review::all_cores::on_all_cores,
    sources::{directory, policy::Schema, snapshot::Snapshot},
    types::{
        decision::{Decision, Verdict},
        language::Language,
        moment::{Moment, PolicyAge},
        problem::{Problem, SourceFile, causes},
        suggest::nearest,
        texts::suite as texts,
    },
};
use cedar_policy as cedar;
use rayon::iter::{IntoParallelIterator as _, IntoParallelRefIterator as _, ParallelIterator as _};
use std::collections::BTreeSet;

/// The policies, the directory and the clock that suites run with.
#[derive(Debug)]
pub struct Runner<'a> {
    snapshot: &'a Snapshot,
    clock: &'a Clock,
    /// The moment of all cases that name none: one for all, so that no two of them fall on different days.
    present: Moment,
    config: engine::Config,
    conditions: &'a [Conditioned],
}

/// The result of one suite.
#[derive(Debug)]
pub struct Ran {
    /// The suite.
    pub suite: Suite,
    /// The result of each of its cases, in order.
    pub outcomes: Vec<CaseOutcome>,
    /// What in its questions is probably not meant.
    pub warnings: Vec<Problem>,
}

impl Ran {
    /// The policies that alone determined an answer to a case as a caller asks it. Such a policy applies, and no other does what
    /// it does. A case in Cedar's form has a world of its own, which no caller need be able to ask about.
    pub fn alone(&self) -> impl Iterator<Item = String> {
        let cases = self.suite.cases.iter().zip(&self.outcomes);
        let asked = cases.filter(|(case, _)| matches!(case.question, Question::Wire { .. }));
        let verdicts = asked.filter_map(|(_, outcome)| outcome.asked()?.answer.as_ref().ok());
        verdicts.filter(|verdict| verdict.errors.is_empty()).filter_map(|verdict| match verdict.policies.as_slice() {
            [only] => Some(only.id.clone()),
            _ => None,
        })
    }
}

/// The result of one case.
#[derive(Debug)]
pub enum CaseOutcome {
    /// All is as expected.
    Passed(AskedCase),
    /// Something is not.
    Failed(AskedCase, Failure),
    /// It could not be asked as it is meant.
    Mistaken(Problem),
}

impl CaseOutcome {
    /// The answer to its question, if that was asked.
    #[must_use]
    pub const fn asked(&self) -> Option<&AskedCase> {
        match self {
            Self::Passed(asked) | Self::Failed(asked, _) => Some(asked),
            Self::Mistaken(_) => None,
        }
    }

    /// `passed`, `failed` or `error`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Passed(_) => "passed",
            Self::Failed(..) => "failed",
            Self::Mistaken(_) => "error",
        }
    }
}

/// A question that was asked.
#[derive(Debug)]
pub struct AskedCase {
    /// The answer, or the first field that does not fit the schema.
    pub answer: Result<Verdict, String>,
    /// What the policies were evaluated on; `None` if none was evaluated.
    pub world: Option<World>,
    /// Entities that properties or context refer to and that the directory does not know, as `Type::"id"`.
    pub unknown_references: Vec<String>,
}

/// An answer that differs from what is expected.
#[derive(Debug)]
pub struct Failure {
    /// Which policies and conditions decided. Empty if the decision is as expected.
    pub explanation: Vec<Line>,
}

impl<'a> Runner<'a> {
    /// Suites run with these policies and this directory, on this clock. The conditions of the policies explain what came
    /// of them.
    #[must_use]
    pub fn new(
        snapshot: &'a Snapshot,
        clock: &'a Clock,
        config: impl Into<engine::Config>,
        conditions: &'a [Conditioned],
    ) -> Self {
        Self { snapshot, clock, present: clock.now(), config: config.into(), conditions }
    }

    /// Runs suites.
    ///
    /// # Errors
    /// There is no room for a thread for each core, or the work broke off.
    pub fn run(&self, suites: Vec<Suite>) -> Result<Vec<Ran>, String> {
        on_all_cores(|| suites.into_par_iter().map(|suite| self.run_one(suite)).collect())
    }

    fn run_one(&self, suite: Suite) -> Ran {
        let known = Known::of(self.snapshot);
        let cases = suite.cases.par_iter();
        let outcomes: Vec<_> = cases.map(|case| self.run_case(&suite.file, case, &known)).collect();
        let mut warnings = Vec::new();
        for (case, outcome) in suite.cases.iter().zip(&outcomes) {
            warnings.extend(self.undeclared(&suite.file, case));
            for uid in outcome.asked().into_iter().flat_map(|asked| &asked.unknown_references) {
                let message =
                    format!("{}: the directory does not know {uid}, which the question refers to", case.title());
                let problem = Problem::warning("suite::unknown-reference", &suite.file, message);
                let help = match self.nearest_entity(uid) {
                    Some(near) => format!("did you mean {near}? If it is meant to be unknown, add unknown: true"),
                    None => "correct the id; if it is meant to be unknown, add unknown: true".to_owned(),
                };
                warnings.push(problem.at(case.place.clone(), "this case").help(help));
            }
        }
        Ran { suite, outcomes, warnings }
    }

    /// Warns of what a case says and the schema does not declare, unless the case is about that.
    fn undeclared(&self, file: &SourceFile, case: &Case) -> Vec<Problem> {
        let Question::Wire { evaluation, late, token, .. } = &case.question else { return Vec::new() };
        if case.expected.decision == ExpectedDecision::Invalid {
            return Vec::new();
        }
        let model = &self.snapshot.policies.model;
        let mut found = undeclared(model, evaluation);
        found.extend(undeclared_pdp(model, &evaluation.action.name, *late, token.as_deref()));
        let warning = |Undeclared { path, near }| {
            let message = format!("{}: the schema does not declare {path}, so it counts for nothing", case.title());
            let help = near.map_or_else(|| "leave it out".to_owned(), |near| format!("did you mean `{near}`?"));
            Problem::warning("suite::undeclared", file, message).at(case.place.clone(), "this case").help(help)
        };
        found.into_iter().map(warning).collect()
    }

    fn run_case(&self, file: &SourceFile, case: &Case, known: &Known<'_>) -> CaseOutcome {
        if let Some(problem) = known.check(file, &case.expected) {
            return CaseOutcome::Mistaken(problem);
        }
        let asked = match &case.question {
            Question::Wire { .. } => self.ask(case),
            Question::Cedar(question) => self.ask_cedar(question),
        };
        let asked = match asked {
            Ok(asked) => asked,
            Err(Misasked { message, help }) => {
                let message = format!("{}: {message}", case.title());
                let problem = Problem::error("suite::question", file, message).at(case.place.clone(), "this case");
                return CaseOutcome::Mistaken(if help.is_empty() { problem } else { problem.help(help) });
            }
        };
        if differences(&case.expected, &asked.answer, Language::English).is_empty() {
            return CaseOutcome::Passed(asked);
        }
        let explanation = self.explanation(case, &asked);
        CaseOutcome::Failed(asked, Failure { explanation })
    }

    fn ask(&self, case: &Case) -> Result<AskedCase, Misasked> {
        let Question::Wire { evaluation, when, unknown, late, token } = &case.question else {
            return Err(Misasked::default());
        };
        let moment = self.moment(*when)?;
        let policies = if *late { PolicyAge::Late } else { moment.policies };
        let moment = Moment { policies, token: token.clone(), ..moment };
        let checked = match engine::check_question(self.snapshot, evaluation.as_ref(), &moment, self.config) {
            Ok(checked) => checked,
            Err(error) => return self.unfit(case, &error),
        };
        let question = match checked.question() {
            Ok(question) => question,
            Err(error) => return self.unfit(case, &error),
        };
        let references = question.references_not_in_directory(self.snapshot);
        match (question.not_in_directory().as_slice(), unknown) {
            ([(role, uid), ..], false) => {
                return Err(Misasked {
                    message: format!(
                        "the directory does not know the {role} {uid}, so it is denied whatever the policies say"
                    ),
                    help: match self.nearest_entity(uid) {
                        Some(near) => {
                            format!("did you mean {near}? If the case is about an unknown account, add unknown: true")
                        }
                        None => "correct the id; if the case is about an unknown account, add unknown: true".to_owned(),
                    },
                });
            }
            ([], true) if references.is_empty() => {
                return Err(Misasked {
                    message: "the case says unknown: true, but the directory knows all that the question names"
                        .to_owned(),
                    help: "leave out unknown: true, or name an id that the directory does not have".to_owned(),
                });
            }
            _ => {}
        }
        let verdict = engine::decide(self.snapshot, &question);
        // With the whole moment, so that mutated policies can be evaluated on it too.
        let world = checked
            .whole_question()
            .map_err(|error| error.to_string())
            .and_then(|question| World::of(self.snapshot, &question))
            .map_err(|message| Misasked { message, help: String::new() })?;
        let unknown_references = if *unknown { Vec::new() } else { references };
        Ok(AskedCase { answer: Ok(verdict), world, unknown_references })
    }

    /// What becomes of a question that does not fit the schema.
    fn unfit(&self, case: &Case, error: &engine::Mistakes) -> Result<AskedCase, Misasked> {
        if case.expected.decision == ExpectedDecision::Invalid {
            return Ok(AskedCase { answer: Err(error.to_string()), world: None, unknown_references: Vec::new() });
        }
        Err(Misasked {
            message: format!("the question does not fit the schema: {error}"),
            help: "correct it; if the case is about that, expect decision: invalid".to_owned(),
        })
    }

    fn moment(&self, when: When) -> Result<Moment, Misasked> {
        match when {
            When::Present => Ok(self.present.clone()),
            When::Moment(moment) => Ok(self.clock.at(moment)),
            When::Day(day) => self.clock.noon(day).ok_or_else(|| Misasked {
                message: format!("{day} is not a day that there can be decisions on"),
                help: String::new(),
            }),
        }
    }

    fn ask_cedar(&self, question: &CedarQuestion) -> Result<AskedCase, Misasked> {
        let (request, entities) =
            cedar_world(&self.snapshot.policies.checked_schema(), question).map_err(|message| Misasked {
                message,
                help: "the form is that of Cedar's `run-tests`, under the policies' own schema".to_owned(),
            })?;
        let world = World::of_cedar(&request, &entities);
        let answer = Ok(engine::decide_in(self.snapshot, &world));
        Ok(AskedCase { answer, world: Some(world), unknown_references: Vec::new() })
    }

    /// The known entity whose name is most like this one.
    fn nearest_entity(&self, uid: &str) -> Option<String> {
        let kind = uid.rsplit_once("::\"").map_or(uid, |(kind, _)| kind);
        let known: Vec<_> = self
            .snapshot
            .directory
            .iter()
            .map(|entity| entity.uid().to_string())
            .filter(|known| known.rsplit_once("::\"").is_some_and(|(known, _)| known == kind))
            .collect();
        nearest(uid, known.iter().map(String::as_str)).map(str::to_owned)
    }

    fn explanation(&self, case: &Case, asked: &AskedCase) -> Vec<Line> {
        let (Ok(verdict), Some(world)) = (&asked.answer, &asked.world) else { return Vec::new() };
        explain(self.conditions, world, verdict, &case.expected)
    }
}

/// The names that a case can expect.
struct Known<'a> {
    policies: BTreeSet<&'a str>,
    obligations: BTreeSet<&'a str>,
}

impl<'a> Known<'a> {
    fn of(snapshot: &'a Snapshot) -> Self {
        // A template by itself decides nothing; its links do.
        let deciding = snapshot.policies.facts.iter().filter(|(id, _)| snapshot.policies.set.policy(id).is_some());
        let (mut policies, mut obligations) = (BTreeSet::new(), BTreeSet::new());
        for (_, facts) in deciding {
            policies.insert(facts.id.as_str());
            obligations.extend(facts.obligations.iter().map(|obligation| obligation.id.as_str()));
        }
        Self { policies, obligations }
    }

    /// A policy or obligation that a case names and that does not exist.
    fn check(&self, file: &SourceFile, expected: &Expected) -> Option<Problem> {
        let policies = expected.policies.named().iter().chain(expected.errors.named());
        let obligations = expected.obligations.iter().flatten().map(|obligation| &obligation.id);
        let named = policies
            .map(|named| ("policy", &self.policies, named))
            .chain(obligations.map(|named| ("obligation", &self.obligations, named)));
        let (what, known, unknown) =
            named.into_iter().find(|(_, known, named)| !known.contains(named.name.as_str()))?;
        let help = match nearest(&unknown.name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "names are those of @id; the id of an obligation begins with its policy's".to_owned(),
        };
        let problem = Problem::error("suite::name", file, format!("there is no {what} `{}`", unknown.name));
        Some(problem.at(unknown.place.clone(), "named here").help(help))
    }
}

/// Why a question could not be asked as it is meant.
#[derive(Debug, Default)]
struct Misasked {
    message: String,
    help: String,
}

/// A question in Cedar's words, checked against the schema.
fn cedar_world(schema: &Schema, question: &CedarQuestion) -> Result<(cedar::Request, cedar::Entities), String> {
    let uid = |role: &str, text: &str| -> Result<cedar::EntityUid, String> {
        text.parse().map_err(|error| format!("request.{role}: `{text}` is not an entity: {error}"))
    };
    let CedarQuestion { principal, action, resource, context, entities } = question;
    let (principal, action, resource) =
        (uid("principal", principal)?, uid("action", action)?, uid("resource", resource)?);
    for entity in entities.as_array().into_iter().flatten() {
        directory::check_entry(&entity.to_string(), schema).map_err(|message| format!("entities: {message}"))?;
    }
    let schema = &schema.cedar;
    let context = cedar::Context::from_json_value(context.clone(), Some((schema, &action)))
        .map_err(|error| format!("request.context: {}", causes(&error)))?;
    let request = cedar::Request::new(principal, action, resource, context, Some(schema))
        .map_err(|error| format!("request: {}", causes(&error)))?;
    let entities = cedar::Entities::from_json_value(entities.clone(), Some(schema))
        .map_err(|error| format!("entities: {}", causes(&error)))?;
    Ok((request, entities))
}

/// How an answer differs from what is expected, a sentence each. Empty: not at all.
#[must_use]
pub fn differences(expected: &Expected, answer: &Result<Verdict, String>, language: Language) -> Vec<String> {
    let mut found = Vec::new();
    let verdict = match answer {
        Ok(verdict) => verdict,
        Err(error) => {
            if expected.decision != ExpectedDecision::Invalid {
                found.push(texts::expected_but_unfit(language, expected.decision.name(), error));
            }
            return found;
        }
    };
    let same = match expected.decision {
        ExpectedDecision::Allow => verdict.decision == Decision::Allow,
        ExpectedDecision::Deny => verdict.decision == Decision::Deny,
        ExpectedDecision::Invalid => false,
    };
    if !same {
        let reason = verdict.reason(language);
        found.push(texts::expected_decision(language, expected.decision.name(), verdict.decision, reason));
    }
    if expected.decision == ExpectedDecision::Invalid {
        return found;
    }
    let policies: BTreeSet<&str> = verdict.policies.iter().map(|facts| facts.id.as_str()).collect();
    found.extend(name_difference(texts::determining(language), &expected.policies, &policies, language));
    let errors: BTreeSet<&str> = verdict.errors.iter().map(|error| error.policy.as_str()).collect();
    if let Some(mut difference) = name_difference(texts::failing(language), &expected.errors, &errors, language) {
        for error in &verdict.errors {
            difference.push_str(&format!("; {}: {}", error.policy, error.message));
        }
        found.push(difference);
    }
    if let Some(expected) = &expected.obligations {
        obligation_differences(expected, verdict, language, &mut found);
    }
    if let Some(expected) = &expected.advice {
        let sorted = |mut texts: Vec<String>| {
            texts.sort();
            texts
        };
        let wanted = sorted(expected.clone());
        let given = sorted(
            verdict
                .policies
                .iter()
                .flat_map(|facts| facts.advice.iter().map(|advice| advice.base().to_owned()))
                .collect(),
        );
        if wanted != given {
            found.push(texts::expected_advice(language, listed(&wanted, language), listed(&given, language)));
        }
    }
    found
}

fn name_difference(what: &str, expected: &Names, given: &BTreeSet<&str>, language: Language) -> Option<String> {
    let given_list = listed(given, language);
    match expected {
        Names::Any => None,
        Names::Count(count) => {
            (given.len() != *count).then(|| texts::expected_count(language, count, what, given_list))
        }
        Names::Exactly(named) => {
            let wanted: BTreeSet<&str> = named.iter().map(|named| named.name.as_str()).collect();
            (wanted != *given).then(|| texts::expected_all(language, what, listed(&wanted, language), given_list))
        }
        Names::Including(named) => {
            let missing: BTreeSet<&str> =
                named.iter().map(|named| named.name.as_str()).filter(|name| !given.contains(name)).collect();
            (!missing.is_empty()).then(|| texts::expected_among(language, listed(&missing, language), what, given_list))
        }
    }
}

fn obligation_differences(
    expected: &[ExpectedObligation],
    verdict: &Verdict,
    language: Language,
    found: &mut Vec<String>,
) {
    let given: Vec<_> = verdict.policies.iter().flat_map(|facts| &facts.obligations).collect();
    let wanted_ids: BTreeSet<&str> = expected.iter().map(|obligation| obligation.id.name.as_str()).collect();
    let given_ids: BTreeSet<&str> = given.iter().map(|obligation| obligation.id.as_str()).collect();
    if wanted_ids != given_ids {
        let (wanted, given) = (listed(&wanted_ids, language), listed(&given_ids, language));
        found.push(texts::expected_obligations(language, wanted, given));
    }
    for wanted in expected {
        let Some(given) = given.iter().find(|obligation| obligation.id == wanted.id.name) else { continue };
        if let Some(kind) = wanted.kind.as_ref().filter(|kind| **kind != given.kind) {
            found.push(texts::expected_type(language, &given.id, kind, &given.kind));
        }
        if wanted.properties.as_ref().is_some_and(|properties| *properties != given.properties) {
            found.push(texts::other_properties(language, &given.id, format!("{:?}", given.properties)));
        }
    }
}

fn listed<T: AsRef<str>>(names: impl IntoIterator<Item = T>, language: Language) -> String {
    let names: Vec<_> = names.into_iter().map(|name| name.as_ref().to_owned()).collect();
    if names.is_empty() { texts::nothing_listed(language).to_owned() } else { names.join(", ") }
}
