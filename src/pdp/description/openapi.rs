//! The OpenAPI 3.1 document of the HTTP binding: its addresses, what they take, what they answer, and their errors.

use super::{
    Description,
    json_schema::{branch_references, definitions},
    object::object,
    obligations,
};
use crate::types::{
    authzen::addresses::{EVALUATION, EVALUATIONS, METADATA, OPENAPI, SCHEMA},
    build,
};
use serde_json::{Map, Value, json};

/// The names of the document's own schemas, which no part of a description has.
pub(super) const OWN: &[&str] = &[
    "EvaluationRequest",
    "EvaluationResponse",
    "EvaluationsRequest",
    "EvaluationsResponse",
    "Message",
    "Metadata",
    "Problem",
];

const PLACE: &str = "#/components/schemas/";

/// What keeps a question from an answer, with the status of each.
const FAULTS: [(&str, &str); 8] = [
    ("400", "The message is malformed or incomplete, or does not fit the policy schema. The text names the field."),
    ("403", "The caller may not ask this, or a browser asks for a page of a foreign site."),
    ("408", "The message did not arrive in time."),
    ("413", "The message, the batch or the nesting is above a limit. Asking again does not help."),
    ("415", "The body is compressed."),
    ("429", "Too many questions or bytes are under way. Ask again after the pause in `Retry-After`."),
    ("503", "No policies are active, or the answer cannot be recorded. Ask again after the pause in `Retry-After`."),
    ("504", "The deadline passed before there was an answer."),
];

/// The OpenAPI document.
#[must_use]
pub fn openapi(description: &Description) -> Value {
    let mut schemas = own_schemas(description);
    schemas.extend(definitions(description, PLACE));
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "poort, a policy decision point",
            "version": description.revision.as_str(),
            "description": "May this account do this, to this record, for this purpose? Open the data only if `decision` is \
                true and the application can do everything in `obligations`. Treat everything else as a no: a deny, an error, a \
                timeout, an obligation that the application does not know. Do the obligations of a deny too. The version of this document is the revision of \
                the policies.",
            "x-poort-version": build::VERSION,
            "x-obligations": obligations(&description.obligations),
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "servers": [{"url": "/"}],
        // Who may connect is configured: the address, or client certificates.
        "security": [],
        "paths": paths(),
        "components": {"schemas": schemas, "responses": responses()},
    })
}

fn paths() -> Value {
    let health = |id: &str, text: &str, statuses: Value| {
        json!({
            "servers": [{"url": "http://127.0.0.1:9464", "description": "The operators' port, as it is configured."}],
            "get": {"operationId": id, "summary": text, "tags": ["Operators"], "responses": statuses},
        })
    };
    let document = |id: &str, text: &str, kind: &str| {
        json!({"get": {
            "operationId": id,
            "summary": text,
            "tags": ["Descriptions"],
            "responses": {
                "200": {
                    "description": "It holds until the policies change; `ETag` names their revision.",
                    "headers": {"ETag": {"schema": {"type": "string"}}},
                    "content": {kind: {"schema": {"type": "object"}}},
                },
                "304": {"description": "It is the one that `If-None-Match` names."},
                "503": {"$ref": "#/components/responses/503"},
            },
        }})
    };
    json!({
        EVALUATION: {"post": question(
            "evaluate",
            "Ask one question",
            "EvaluationRequest",
            "EvaluationResponse",
        )},
        EVALUATIONS: {"post": question(
            "evaluateBatch",
            "Ask several questions under one version of policies and directory, with one record",
            "EvaluationsRequest",
            "EvaluationsResponse",
        )},
        METADATA: {"get": {
            "operationId": "metadata",
            "summary": "Where what is",
            "tags": ["Descriptions"],
            "responses": {"200": {"description": "AuthZEN's metadata.", "content": content("Metadata")}},
        }},
        SCHEMA: document("schema", "The JSON Schema of one question", "application/schema+json"),
        OPENAPI: document("openapi", "This document", "application/json"),
        "/healthz": health("alive", "Whether the process runs", json!({"200": {"description": "It does."}})),
        "/readyz": health(
            "ready",
            "Whether questions can be answered",
            json!({"200": {"description": "They can."}, "503": {"description": "They cannot; the body says why."}}),
        ),
    })
}

fn question(id: &str, text: &str, asked: &str, answered: &str) -> Value {
    let header = |name: &str, text: &str| json!({"name": name, "in": "header", "description": text, "schema": {"type": "string"}});
    let mut statuses =
        object([("200", json!({"description": "The answer. A deny is one too.", "content": content(answered)}))]);
    let faults = FAULTS
        .iter()
        .map(|(status, _)| ((*status).to_owned(), json!({"$ref": format!("#/components/responses/{status}")})));
    statuses.extend(faults);
    json!({
        "operationId": id,
        "summary": text,
        "tags": ["Questions"],
        "parameters": [
            header("traceparent", "W3C Trace Context: the record of the answer is part of this trace."),
            header("tracestate", "W3C Trace Context."),
            header("Accept-Language", "The languages of sentences, as preferred: `en` and `nl` are known. `Content-Language` tells which was taken."),
            header("X-Request-ID", "Returns as it was sent."),
            header("Poort-Subject-Token", "The subject's own token, a signed JWT, where the application needs one."),
        ],
        "requestBody": {"required": true, "content": content(asked)},
        "responses": statuses,
    })
}

fn content(schema: &str) -> Value {
    json!({"application/json": {"schema": to(schema)}})
}

/// A text; a problem, for a caller that accepts those.
fn fault() -> Value {
    json!({
        "application/json": {"schema": to("Message")},
        "application/problem+json": {"schema": to("Problem")},
    })
}

fn to(schema: &str) -> Value {
    json!({"$ref": format!("{PLACE}{schema}")})
}

fn responses() -> Map<String, Value> {
    let response = |(status, text): &(&str, &str)| {
        let mut response = object([("description", (*text).into()), ("content", fault())]);
        if matches!(*status, "429" | "503") {
            let after = json!({"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}});
            response.insert("headers".to_owned(), after);
        }
        ((*status).to_owned(), Value::Object(response))
    };
    FAULTS.iter().map(response).collect()
}

fn own_schemas(description: &Description) -> Map<String, Value> {
    let text = json!({"type": "string"});
    let texts = json!({"type": "array", "items": text});
    let several = |properties: Value, required: &[&str]| json!({"type": "array", "items": {"type": "object", "properties": properties, "required": required}});
    let obligations =
        several(json!({"id": text, "type": text, "properties": {"type": "object"}}), &["id", "type", "properties"]);
    let record = json!({
        "type": "object",
        "description": "The key of the decision record; in a batch also the place in it.",
        "properties": {"trace_id": text, "span_id": text, "index": {"type": "integer"}},
        "required": ["trace_id", "span_id"],
    });
    let reasons =
        |description: &str| json!({"type": "object", "description": description, "properties": {"403": text}});
    let context = json!({
        "type": "object",
        "properties": {
            "reason": {"type": "string", "description": "One sentence for a person who may know all of it."},
            "reason_admin": reasons("On a deny: the same as `reason`, in AuthZEN's form."),
            "reason_user": reasons("On a deny: what may be shown to the user of the application. It tells nothing of the record."),
            "policies": several(json!({"id": text, "title": text}), &["id", "title"]),
            "obligations": obligations,
            "advice": texts,
            "errors": several(json!({"policy": text, "message": text}), &["policy", "message"]),
            "explanation": {"type": "object", "description": "Why, for people: where the question asks for it with `explain` and that is allowed."},
            "subject": {"type": "object", "description": "What the directory says of the subject, as far as it is recorded."},
            "undeclared": texts,
            "unknown": several(json!({"path": text, "type": text, "id": text, "nearest": text}), &["path", "type"]),
            "revision": text,
            "directory_revision": text,
            "record": record,
            "error": {
                "type": "object",
                "description": "Why this item of a batch has no decision: it is denied.",
                "properties": {"status": {"type": "integer"}, "message": text},
                "required": ["status", "message"],
            },
        },
    });
    let part = || json!({"type": "object"});
    let parts = || object([("subject", part()), ("action", part()), ("resource", part()), ("context", part())]);
    let mut batch = parts();
    let evaluations = json!({
        "type": "array",
        "description": "The questions. Each part that a question leaves out is the one beside `evaluations`, as a whole; together \
            they are an `EvaluationRequest`. A question that is none is denied, and its `error` says why.",
        "items": {"type": "object", "properties": parts()},
    });
    let options = json!({"type": "object", "properties": {"evaluations_semantic": {
        "type": "string",
        "enum": ["execute_all", "deny_on_first_deny", "permit_on_first_permit"],
        "default": "execute_all",
    }}});
    let explain = json!({"type": "boolean", "description": "Asks for the explanation of every answer."});
    batch.extend(object([("evaluations", evaluations), ("explain", explain), ("options", options)]));
    let answer = to("EvaluationResponse");
    object([
        ("EvaluationRequest", json!({"anyOf": branch_references(description, PLACE)})),
        (
            "EvaluationResponse",
            json!({
                "type": "object",
                "properties": {"decision": {"type": "boolean"}, "context": context},
                "required": ["decision"],
            }),
        ),
        ("EvaluationsRequest", json!({"type": "object", "properties": batch})),
        (
            "EvaluationsResponse",
            json!({
                "description": "One answer for each question, in order; one alone, if there are no `evaluations`.",
                "anyOf": [
                    {"type": "object", "properties": {"evaluations": {"type": "array", "items": answer}}, "required": ["evaluations"]},
                    answer,
                ],
            }),
        ),
        ("Message", json!({"type": "string", "description": "What is wrong, and what to do."})),
        (
            "Problem",
            json!({
                "type": "object",
                "description": "What is wrong (RFC 9457), for a caller that accepts `application/problem+json`. A program reads \
                    `reason`.",
                "properties": {
                    "type": text,
                    "title": text,
                    "status": {"type": "integer"},
                    "detail": {"type": "string", "description": "What is wrong, and what to do."},
                    "reason": text,
                    "errors": several(json!({"path": text, "detail": text}), &["path", "detail"]),
                },
                "required": ["type", "title", "status", "detail", "reason"],
            }),
        ),
        (
            "Metadata",
            json!({
                "type": "object",
                "properties": {
                    "policy_decision_point": text,
                    "access_evaluation_endpoint": text,
                    "access_evaluations_endpoint": text,
                    "evaluation_request_schema": text,
                    "openapi_document": text,
                    "supported_obligations": texts,
                    "obligations": several(
                        json!({"key": text, "type": text, "meaning": text, "value": {"description": "The JSON Schema of its value."}}),
                        &["key", "type", "meaning", "value"],
                    ),
                },
                "required": ["policy_decision_point", "access_evaluation_endpoint"],
            }),
        ),
    ])
}
