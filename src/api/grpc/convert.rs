//! Converts protobuf messages to evaluations, and answers to messages. It decides nothing.

use super::pb;
use crate::{
    api::AnswerContext,
    pdp::{Refusal, engine},
    types::{
        decision::{Answer, Deciding, Evaluated, ExplainedPolicy, Explanation, Fault, Outcome, UnknownReference},
        evaluation::{Action, Batch, Entity, Evaluation, Item, Map, Path, Semantic, Value},
        language::Language,
        trace::RecordIdentity,
    },
};
use prost_types::{Struct, value::Kind};

/// Why a message is not a question.
#[derive(Debug)]
pub(super) enum Malformed {
    /// Something is missing or not a JSON value; also what is above a limit of the batch.
    Refused(Refusal),
    /// Lists and objects lie too deep in each other.
    TooDeep(String),
}

impl From<Refusal> for Malformed {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A question. `at` is how deep its own objects lie; a single question is the outermost object.
pub(super) fn evaluation(message: pb::EvaluateRequest, depth: usize) -> Result<Evaluation, Malformed> {
    let item = item(message, None, 1, depth)?;
    let missing = |name: &str| Refusal::Missing(name.to_owned());
    Ok(Evaluation {
        subject: item.subject.ok_or_else(|| missing("subject"))?,
        action: item.action.ok_or_else(|| missing("action"))?,
        resource: item.resource.ok_or_else(|| missing("resource"))?,
        context: item.context.unwrap_or_default(),
    })
}

/// A batch. Without items the defaults are its one item.
pub(super) fn batch(message: pb::EvaluateBatchRequest, depth: usize, limit: usize) -> Result<Batch, Malformed> {
    let pb::EvaluateBatchRequest {
        subject,
        action,
        resource,
        context,
        mut evaluations,
        evaluations_semantic,
        explain: _,
    } = message;
    if evaluations.len() > limit {
        return Err(Refusal::TooMany { found: evaluations.len(), limit }.into());
    }
    let semantic = match pb::EvaluationsSemantic::try_from(evaluations_semantic) {
        Ok(pb::EvaluationsSemantic::Unspecified | pb::EvaluationsSemantic::ExecuteAll) => Semantic::ExecuteAll,
        Ok(pb::EvaluationsSemantic::DenyOnFirstDeny) => Semantic::DenyOnFirstDeny,
        Ok(pb::EvaluationsSemantic::PermitOnFirstPermit) => Semantic::PermitOnFirstPermit,
        Err(error) => return Err(invalid("evaluations_semantic", error.to_string())),
    };
    let defaults = item(pb::EvaluateRequest { subject, action, resource, context, explain: false }, None, 1, depth)?;
    if evaluations.is_empty() {
        evaluations.push(pb::EvaluateRequest::default());
    }
    let all = Path::root("evaluations");
    let items = evaluations
        .into_iter()
        .enumerate()
        .map(|(index, message)| match item(message, Some(all.index(index)), 3, depth) {
            Ok(item) => Ok(item),
            Err(Malformed::Refused(fault)) => Ok(Item { fault: Some(fault.to_string()), ..Item::default() }),
            Err(deep @ Malformed::TooDeep(_)) => Err(deep),
        })
        .collect::<Result<_, _>>()?;
    Ok(Batch { defaults, items, semantic })
}

fn invalid(path: impl Into<String>, message: impl Into<String>) -> Malformed {
    Malformed::Refused(Refusal::Invalid(engine::Invalid { path: path.into(), message: message.into() }.into()))
}

/// The parts of a question that are there. `level` is how deep the object that holds them lies.
fn item(message: pb::EvaluateRequest, path: Option<Path<'_>>, level: usize, depth: usize) -> Result<Item, Malformed> {
    let pb::EvaluateRequest { subject, action, resource, context, explain: _ } = message;
    let mut reader = Reader { depth };
    let part = |name| path.as_ref().map_or(Path::root(name), |path| path.field(name));
    let mut party = |role, kind: String, id: String, properties: Option<Struct>| -> Result<Entity, Malformed> {
        let path: Path<'_> = part(role);
        if kind.is_empty() {
            return Err(Refusal::Missing(path.field("type").to_string()).into());
        }
        Ok(Entity { kind, id, properties: reader.map(properties, path.field("properties"), level + 2)? })
    };
    let subject =
        subject.map(|pb::Subject { r#type, id, properties }| party("subject", r#type, id, properties)).transpose()?;
    let resource = resource
        .map(|pb::Resource { r#type, id, properties }| party("resource", r#type, id, properties))
        .transpose()?;
    let action = action
        .map(|pb::Action { name, properties }| {
            let path = part("action");
            if name.is_empty() {
                return Err(Refusal::Missing(path.field("name").to_string()).into());
            }
            let properties = reader.map(properties, path.field("properties"), level + 2)?;
            Ok::<_, Malformed>(Action { name, properties })
        })
        .transpose()?;
    let context = context.map(|context| reader.map(Some(context), part("context"), level + 1)).transpose()?;
    Ok(Item { subject, action, resource, context, fault: None })
}

/// Reads `google.protobuf.Struct`, as deep as JSON may be.
struct Reader {
    depth: usize,
}

impl Reader {
    fn map(&mut self, message: Option<Struct>, path: Path<'_>, level: usize) -> Result<Map, Malformed> {
        let Some(Struct { fields }) = message else { return Ok(Map::new()) };
        self.check(path, level)?;
        fields
            .into_iter()
            .map(|(name, value)| {
                let value = self.value(value, path.field(&name), level)?;
                Ok((name, value))
            })
            .collect()
    }

    /// A value in an object or list at this level.
    fn value(&mut self, message: prost_types::Value, path: Path<'_>, level: usize) -> Result<Value, Malformed> {
        Ok(match message.kind {
            None | Some(Kind::NullValue(_)) => Value::Null,
            Some(Kind::BoolValue(value)) => Value::Bool(value),
            Some(Kind::NumberValue(value)) if value.is_finite() => Value::Number(value),
            Some(Kind::NumberValue(value)) => {
                return Err(invalid(path.to_string(), format!("{value} is not a number that JSON has")));
            }
            Some(Kind::StringValue(value)) => Value::String(value),
            Some(Kind::StructValue(value)) => Value::Map(self.map(Some(value), path, level + 1)?),
            Some(Kind::ListValue(list)) => {
                self.check(path, level + 1)?;
                let elements = list.values.into_iter().enumerate();
                Value::List(
                    elements
                        .map(|(index, value)| self.value(value, path.index(index), level + 1))
                        .collect::<Result<_, _>>()?,
                )
            }
        })
    }

    fn check(&self, path: Path<'_>, level: usize) -> Result<(), Malformed> {
        if level > self.depth {
            let limit = self.depth;
            return Err(Malformed::TooDeep(format!("{path}: lists and objects are nested more than {limit} deep")));
        }
        Ok(())
    }
}

/// How much an answer says, and in which language.
#[derive(Debug, Clone, Copy)]
pub(super) struct Says {
    pub(super) context: AnswerContext,
    pub(super) language: Language,
}

/// An answer that says as much as it should, with the record that it left, and its index in that record if it is one of a
/// batch.
pub(super) fn response(
    Says { context, language }: Says,
    answer: &Answer,
    record: RecordIdentity,
    index: Option<usize>,
    explanation: Option<&Explanation>,
) -> pb::EvaluateResponse {
    let full = full(answer, language, record, index);
    match context {
        AnswerContext::Full => pb::EvaluateResponse {
            explanation: explanation.map(|explanation| explained(explanation, language)),
            ..full
        },
        AnswerContext::None => {
            let pb::EvaluateResponse { decision, obligations, error, reason, .. } = full;
            let reason = answer.unsupported(language).map(|_| reason).unwrap_or_default();
            pb::EvaluateResponse { decision, obligations, error, reason, ..pb::EvaluateResponse::default() }
        }
    }
}

fn full(answer: &Answer, language: Language, record: RecordIdentity, index: Option<usize>) -> pb::EvaluateResponse {
    let (decision, trace_id) = (answer.decision().is_allow(), record.trace_id);
    let record =
        Some(pb::RecordIdentity { index: index.and_then(|index| u32::try_from(index).ok()), ..identity(record) });
    match answer {
        Answer::Fault(Fault { status, message }) => pb::EvaluateResponse {
            decision,
            error: Some(pb::ItemError { status: (*status).into(), message: message.clone() }),
            record,
            ..pb::EvaluateResponse::default()
        },
        Answer::Evaluated(evaluated) => {
            let Evaluated { verdict, revision, directory_revision, cached: _, undeclared, subject, unknown } =
                evaluated;
            pb::EvaluateResponse {
                decision,
                policies: verdict
                    .policies
                    .iter()
                    .map(|policy| pb::DeterminingPolicy {
                        id: policy.id.clone(),
                        title: policy.title.in_language(language).to_owned(),
                    })
                    .collect(),
                errors: verdict
                    .errors
                    .iter()
                    .map(|error| pb::EvaluationError { policy: error.policy.clone(), message: error.message.clone() })
                    .collect(),
                reason: evaluated.reason(language),
                obligations: verdict
                    .policies
                    .iter()
                    .flat_map(|policy| &policy.obligations)
                    .map(|obligation| pb::Obligation {
                        id: obligation.id.clone(),
                        r#type: obligation.kind.clone(),
                        properties: Some(structure(&obligation.properties)),
                    })
                    .collect(),
                advice: verdict
                    .policies
                    .iter()
                    .filter_map(|policy| policy.advice.as_ref())
                    .map(|advice| advice.in_language(language).to_owned())
                    .collect(),
                revision: revision.to_string(),
                directory_revision: directory_revision.to_string(),
                record,
                error: None,
                undeclared: undeclared.lines(language).map(Into::into).collect(),
                subject: subject.as_deref().map(structure),
                unknown: unknown.iter().map(reference).collect(),
                reason_user: evaluated.reason_user(language, Some(trace_id)).unwrap_or_default(),
                explanation: None,
            }
        }
    }
}

fn explained(Explanation { policies, others }: &Explanation, language: Language) -> pb::Explanation {
    let condition = |Deciding { clause, condition, outcome }: Deciding<'_>| pb::ExplainedCondition {
        clause: clause.name().to_owned(),
        condition: condition.text.clone(),
        met: outcome.is_met(),
        place: condition.place.inside(),
        values: condition
            .values
            .iter()
            .map(|(expression, value)| pb::ComparedValue { expression: expression.clone(), value: value.clone() })
            .collect(),
        error: match outcome {
            Outcome::Failed(message) => message.clone(),
            Outcome::Met | Outcome::NotMet | Outcome::NotReached => String::new(),
        },
    };
    let policy = |policy: &ExplainedPolicy| pb::ExplainedPolicy {
        id: policy.facts.id.clone(),
        title: policy.facts.title.in_language(language).to_owned(),
        effect: policy.effect.name().to_owned(),
        applies: policy.outcome.is_met(),
        place: policy.place.inside(),
        conditions: policy.deciding().into_iter().map(condition).collect(),
    };
    pb::Explanation {
        policies: policies.iter().map(policy).collect(),
        others: u32::try_from(*others).unwrap_or(u32::MAX),
    }
}

fn reference(unknown: &UnknownReference) -> pb::UnknownReference {
    let UnknownReference { path, kind, named } = unknown;
    let named = named.clone();
    pb::UnknownReference {
        path: path.clone(),
        r#type: kind.clone(),
        id: named.as_ref().map_or_else(String::new, |named| named.id.clone()),
        nearest: named.and_then(|named| named.nearest).unwrap_or_default(),
    }
}

/// The key of a record.
pub(super) fn identity(record: RecordIdentity) -> pb::RecordIdentity {
    pb::RecordIdentity { trace_id: record.trace_id.to_string(), span_id: record.span_id.to_string(), index: None }
}

fn structure(map: &Map) -> Struct {
    Struct { fields: map.iter().map(|(name, value)| (name.clone(), message(value))).collect() }
}

fn message(value: &Value) -> prost_types::Value {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(value) => Kind::BoolValue(*value),
        Value::Number(value) => Kind::NumberValue(*value),
        Value::String(value) => Kind::StringValue(value.clone()),
        Value::List(elements) => {
            Kind::ListValue(prost_types::ListValue { values: elements.iter().map(message).collect() })
        }
        Value::Map(map) => Kind::StructValue(structure(map)),
    };
    prost_types::Value { kind: Some(kind) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::authzen::{Limits, read_evaluation};
    use proptest::prelude::*;
    use prost::Message as _;

    /// A question with this text as a number, in JSON and as protobuf has the same number.
    fn both(text: &str, number: f64) -> (Evaluation, Evaluation) {
        let json = format!(
            r#"{{"subject":{{"type":"s","id":"1"}},"action":{{"name":"a"}},"resource":{{"type":"r","id":"2"}},
            "context":{{"n":[{text}]}}}}"#
        );
        let json = read_evaluation(json.as_bytes(), Limits { depth: 8, batch: 1 }).unwrap();
        let context = structure(&Map::from([("n".to_owned(), Value::List(vec![Value::Number(number)]))]));
        let request = pb::EvaluateRequest {
            subject: Some(pb::Subject { r#type: "s".into(), id: "1".into(), properties: None }),
            action: Some(pb::Action { name: "a".into(), properties: None }),
            resource: Some(pb::Resource { r#type: "r".into(), id: "2".into(), properties: None }),
            context: Some(context),
            explain: false,
        };
        let message = pb::EvaluateRequest::decode(request.encode_to_vec().as_slice()).unwrap();
        (json, evaluation(message, 8).unwrap())
    }

    #[expect(clippy::cast_precision_loss, reason = "protobuf has doubles alone")]
    fn rounded(whole: i64) -> f64 {
        whole as f64
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

        /// Python, Java, Go and JavaScript write a double in one of these ways.
        #[test]
        fn json_and_protobuf_carry_the_same_number(bits: u64, whole in -(1_i64 << 60)..1 << 60) {
            for number in [f64::from_bits(bits), rounded(whole)] {
                prop_assume!(number.is_finite());
                for text in [
                    ryu_js::Buffer::new().format(number).to_owned(), format!("{number:e}"), format!("{number:.16e}"), format!("{number:?}"),
                ] {
                    let (json, protobuf) = both(&text, number);
                    prop_assert_eq!(json, protobuf, "{}", text);
                }
            }
            let (json, protobuf) = both(&whole.to_string(), rounded(whole));
            prop_assert_eq!(json, protobuf);
        }
    }
}
