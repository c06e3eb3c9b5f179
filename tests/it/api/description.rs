//! The description of questions says what the sidecar accepts and answers: questions are made from its JSON Schema, whole and
//! with mistakes, and sent.

use crate::support::{Reply, Sidecar, allowed, check, copied_policies, folder, policies, run, until};
use hyper::{Request, StatusCode};
use serde_json::{Map, Value, json};
use std::{collections::BTreeSet, fs, path::Path};

const EVALUATION: &str = "/access/v1/evaluation";
const SCHEMA: &str = "/.well-known/authzen-evaluation-schema.json";
const OPENAPI: &str = "/openapi.json";

/// Every kind of value that a question can have, types and actions of one name in two namespaces, and odd names.
pub(crate) const EVERY_KIND: &str = r#"
    namespace Shop {
        entity Desk, User;
        entity Kind enum ["open", "secret"];
        @doc("What is in a box. It costs `\"money\"` */.")
        type Part = { name: String, @range("1..9") weight?: Long, inner?: { deep: Set<Set<String>> } };
        @doc("An order.")
        @source("request")
        entity Order {
            @doc("What it costs.")
            price: decimal,
            when: datetime,
            term?: duration,
            from?: ipaddr,
            kind: Kind,
            kinds?: Set<Kind>,
            desk?: Desk,
            part: Part,
            parts?: Set<Part>,
            @values("a, b")
            letters?: Set<String>,
            count: Long,
            @values("shop")
            system: String,
            "odd name"?: Bool,
        } tags Set<String>;
        @doc("Giving to read.")
        action "share with", read appliesTo {
            principal: [User], resource: [Order, Kind, Desk], context: { why?: String, action: { to: Desk, n?: Long } }
        };
        action view appliesTo {
            principal: [User, Order], resource: [Order], context: { action?: { to: Desk }, pdp: { today: datetime } }
        };
    }
    namespace Hall {
        entity User;
        action view appliesTo { principal: User, resource: User };
    }
"#;

const EVERYTHING: &str = r#"
    @id("all") @title("Everything.") @obligation("write it down")
    permit (principal, action, resource);
    @id("no") @title("Not secret.") @obligation("{\"type\": \"notification\"}")
    forbid (principal, action == Shop::Action::"read", resource == Shop::Kind::"secret");
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_schema_accepts_what_the_sidecar_accepts() {
    let shop = shop();
    let seed = rand::random();
    for (folder, count) in [(shop.path().to_owned(), 800), (policies(), 300)] {
        let schema = schema(&folder);
        let fits = jsonschema::validator_for(&schema).unwrap();
        let usual = Sidecar::builder().policies(&folder).start();
        let strict = Sidecar::builder().policies(&folder).config("[decisions]\nundeclared = \"refuse\"\n").start();
        let mut maker = Maker { schema: &schema, random: Random(seed), made: 0 };
        let mut seen = [0; 2];
        for round in 0..count {
            let mut question = maker.question();
            if round % 4 != 0 {
                maker.spoil(&mut question);
            }
            let plain = plain(&question);
            let is_valid = fits.is_valid(&plain);
            let told = format!("seed {seed}: {question}");
            let reply = strict.post(EVALUATION, &question).await;
            // A member of the message that looks misspelt is refused, which no schema says.
            let looks_misspelt = question != plain && reply.text().contains("did you mean it?");
            assert_eq!(reply.status == 200, is_valid && !looks_misspelt, "{told}\n{}", reply.text());
            let reply = usual.post(EVALUATION, &question).await;
            match (is_valid && !looks_misspelt, reply.status.as_u16()) {
                (true, 200) | (false, 400) => {}
                // What the policies cannot read is ignored, and named.
                (false, 200) => assert!(reply.json()["context"]["undeclared"][0].is_string(), "{told}"),
                (_, status) => panic!("{told}: {status} {}", reply.text()),
            }
            seen[usize::from(is_valid)] += 1;
        }
        assert!(seen.iter().all(|seen| *seen > count / 5), "too few of a kind: {seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_example_fits_and_is_answered() {
    let shop = shop();
    for folder in [policies(), shop.path().to_owned()] {
        let schema = schema(&folder);
        assert!(jsonschema::meta::is_valid(&schema));
        let fits = jsonschema::validator_for(&schema).unwrap();
        let sidecar = Sidecar::builder().policies(&folder).start();
        let mut n_examples = 0;
        for branch in branches(&schema) {
            let example = &branch["examples"][0];
            assert!(fits.is_valid(example), "{example}");
            sidecar.evaluate(example).await;
            n_examples += 1;
        }
        assert!(n_examples >= 8, "{n_examples}");
        // And those of the page are the same.
        let (page, _) = check(&run(["schema", folder.to_str().unwrap()]), 0);
        let shown: Vec<Value> = page
            .split("```json\n")
            .skip(1)
            .map(|rest| serde_json::from_str(rest.split("```").next().unwrap()).unwrap())
            .collect();
        assert_eq!(shown.len(), n_examples);
        assert!(branches(&schema).all(|branch| shown.contains(&branch["examples"][0])));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_patterns_accept_the_texts_that_have_a_meaning() {
    let shop = shop();
    let schema = schema(shop.path());
    let fits = jsonschema::validator_for(&schema).unwrap();
    let sidecar = Sidecar::builder().policies(shop.path()).start();
    let example = schema["$defs"]["ReadOrder"]["examples"][0].clone();
    let texts = [
        (
            "when",
            "2026-01-31|2024-02-29T23:59:59Z|2026-01-31T12:00:00.123Z|2026-01-31T12:00:00+0100|2026-01-31T12:00:00.5Z|\
            2026-01-31T12:00:00.123-2359|2026-1-31|31-01-2026|2026-01-31 12:00:00Z|2026-01-31T12:00Z|2026-13-01|now||\
            2026-01-31T24:00:00Z|2026-01-31T12:00:00+01:00|2026-01-31T12:00:00.123456789Z|2026-01-31T12:00:00+2400|\
            2026-01-31t12:00:00z|2026-01-31T12:00:00.1234567890Z|2026-01-31T12:00:00.12+0100|2026-01-31T12:00:00|\
            2026-01-31T12:00:00.123456-23:59|2026-01-31T23:59:60Z|2026-01-31T12:00:00+26:00|2026-01-31T12:00:00+24:00|\
            2026-01-31T12:00+01:00|2026-01-31T12:00.5Z|2026-01-31T12:00+0100|2026-01-31T12:00:0Z",
        ),
        ("price", "1.0|-1.2345|0.0001|1|1.23456|.5|1.|+1.0|1,5||1e3|999999999999.9999"),
        ("term", "1d|1h|5ms|-1d12h|1d2h3m4s5ms||-|1h1d|1.5h|1w|d|90m"),
        (
            "from",
            "10.0.0.7|10.0.0.0/8|::1|fe80::1/64|2001:db8:0:0:0:0:0:1|10.0.0|10.0.0.256|10.0.0.1/33|::1/129|host|\
            ::ffff:1.2.3.4|1:2|/8|",
        ),
    ];
    for (name, texts) in texts {
        for text in texts.split('|') {
            let mut question = example.clone();
            question["resource"]["properties"][name] = text.into();
            let reply = sidecar.post(EVALUATION, &question).await;
            assert_eq!(reply.status == 200, fits.is_valid(&question), "{name} {text:?}: {}", reply.text());
        }
    }
    // Of the right form, and without a meaning.
    for (name, text) in [("when", "2026-02-30"), ("price", "999999999999999.0"), ("from", ":::")] {
        let mut question = example.clone();
        question["resource"]["properties"][name] = text.into();
        assert!(fits.is_valid(&question), "{text}");
        assert_eq!(sidecar.post(EVALUATION, &question).await.status, 400, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documents_follow_the_policies_and_name_their_revision() {
    let copies = folder();
    let policies = copied_policies(copies.path());
    let sidecar = Sidecar::builder().policies(&policies).start();
    let (first, openapi) = (get(&sidecar, SCHEMA, None).await, get(&sidecar, OPENAPI, None).await);
    assert_eq!((first.status, openapi.status), (StatusCode::OK, StatusCode::OK));
    assert_eq!(first.json(), schema(&policies));
    let (written, _) = check(&run(["schema", "--format", "openapi", policies.to_str().unwrap()]), 0);
    assert_eq!(openapi.json(), serde_json::from_str::<Value>(&written).unwrap());
    let revision = sidecar.evaluate(&allowed()).await["context"]["revision"].as_str().unwrap().to_owned();
    assert_eq!(openapi.json()["info"]["version"], *revision);
    let tag = first.headers["etag"].to_str().unwrap().to_owned();
    assert!(tag.contains(revision.trim_start_matches("sha256:")), "{tag}");
    for known in [tag.clone(), format!("\"other\", W/{tag}"), "*".to_owned()] {
        let same = get(&sidecar, SCHEMA, Some(&known)).await;
        assert_eq!((same.status, same.body.len()), (StatusCode::NOT_MODIFIED, 0), "{known}");
    }

    // A bad change changes nothing; a good one shows.
    let file = policies.join("schema.cedarschema");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, "entity").unwrap();
    until("the refusal", async || {
        (sidecar.operators("/readyz").await.json()["reload"]["status"] == "refused").then_some(())
    })
    .await;
    assert_eq!(get(&sidecar, SCHEMA, Some(&tag)).await.status, StatusCode::NOT_MODIFIED);
    let line = "        embargo: Bool,\n";
    assert!(text.contains(line));
    fs::write(&file, text.replacen(line, &format!("{line}        colour?: String,\n"), 1)).unwrap();
    let changed = until("the change", async || {
        let reply = get(&sidecar, SCHEMA, Some(&tag)).await;
        (reply.status == StatusCode::OK).then_some(reply)
    })
    .await;
    assert_ne!(changed.headers["etag"].to_str().unwrap(), tag);
    let properties = &changed.json()["$defs"]["Investigation"]["properties"]["properties"]["properties"];
    assert_eq!(properties["colour"]["type"], "string");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_openapi_document_names_every_address_and_every_status() {
    let sidecar = Sidecar::builder().config("[limits]\nmessage = \"4KiB\"\nbatch = 2\n").start();
    let document = get(&sidecar, OPENAPI, None).await.json();
    let paths = document["paths"].as_object().unwrap();
    for (path, methods) in paths {
        let reply = match methods.get("post") {
            Some(_) => sidecar.post(path, &allowed()).await,
            None if methods["servers"].is_array() => sidecar.operators(path).await,
            None => get(&sidecar, path, None).await,
        };
        assert_eq!(reply.status, StatusCode::OK, "{path}");
    }
    // What is not there says what is.
    let missing = get(&sidecar, "/nothing", None).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    let of_callers = paths.iter().filter(|(_, methods)| methods["servers"].is_null());
    let listed: BTreeSet<_> = of_callers.clone().map(|(path, _)| path.clone()).collect();
    let told = missing.json().as_str().unwrap().to_owned();
    let told = told.split([' ', ',']).filter(|word| word.starts_with('/')).map(str::to_owned);
    assert_eq!(told.collect::<BTreeSet<_>>(), listed);
    let metadata = get(&sidecar, "/.well-known/authzen-configuration", None).await.json();
    let listed: Vec<_> = metadata.as_object().unwrap().values().filter_map(Value::as_str).collect();
    for (path, _) in of_callers.filter(|(path, _)| !path.ends_with("authzen-configuration")) {
        assert!(listed.iter().any(|address| address.ends_with(path.as_str())), "{path}: {metadata}");
    }
    fits(&document, "Metadata", &metadata);

    let large = json!({"subject": "x".repeat(5000)});
    let many = json!({"evaluations": [allowed(), allowed(), allowed()]});
    for (body, status) in [(json!([]), 400), (large, 413), (many, 413)] {
        let reply = sidecar.post("/access/v1/evaluations", &body).await;
        assert_eq!(reply.status.as_u16(), status);
        let known = &document["paths"]["/access/v1/evaluations"]["post"]["responses"][&status.to_string()];
        assert!(known.is_object(), "{status}");
        fits(&document, "Message", &reply.json());
        let request = Request::post("/access/v1/evaluations").header("content-type", "application/json");
        let request = request.header("accept", "application/problem+json").body(body.to_string().into_bytes());
        let reply = crate::support::request(sidecar.address, request.unwrap()).await;
        assert_eq!(reply.headers["content-type"], "application/problem+json");
        fits(&document, "Problem", &reply.json());
    }
    // The answers are as described, to one question and to several, of which one is none.
    let answer = sidecar.evaluate(&allowed()).await;
    fits(&document, "EvaluationResponse", &answer);
    let batch = json!({"evaluations": [allowed(), {"subject": {"type": "Officer"}}]});
    fits(&document, "EvaluationsRequest", &batch);
    fits(&document, "EvaluationsResponse", &sidecar.post("/access/v1/evaluations", &batch).await.json());
    fits(&document, "EvaluationRequest", &allowed());
    let page = fs::read_to_string(crate::support::repository().join("docs/applications.md")).unwrap();
    for status in document["components"]["responses"].as_object().unwrap().keys() {
        assert!(page.contains(&format!("| {status} |")), "docs/applications.md does not know {status}");
    }
}

#[test]
fn a_branch_lists_the_obligations_that_can_come() {
    let shop = shop();
    let schema = schema(shop.path());
    let due = |branch: &str| {
        let listed = schema["$defs"][branch]["x-obligations"].as_array().unwrap();
        let one = |due: &Value| {
            format!("{} {} {}", due["policy"].as_str().unwrap(), due["with"].as_str().unwrap(), due["type"])
        };
        listed.iter().map(one).collect::<Vec<_>>()
    };
    assert_eq!(due("ReadKind"), ["all allow \"custom\"", "no deny \"notification\""]);
    assert_eq!(due("ReadOrder"), ["all allow \"custom\""]);
    assert_eq!(due("ShareWithKind"), ["all allow \"custom\""]);
}

#[test]
fn what_is_ambiguous_has_its_whole_name_and_its_own_branch() {
    let shop = shop();
    let schema = schema(shop.path());
    let names = |of: &str, path: &str| schema["$defs"][of].pointer(path).unwrap().clone();
    assert_eq!(names("User", "/properties/type"), json!({"type": "string", "const": "Hall::User"}));
    assert_eq!(names("User_2", "/properties/type"), json!({"type": "string", "const": "Shop::User"}));
    assert_eq!(names("Order", "/properties/type/enum"), json!(["Order", "Shop::Order"]));
    let action = "/properties/action/properties/name";
    assert_eq!(names("ShareWithDesk", &format!("{action}/enum/0")), "share with");
    assert_eq!(names("HallActionViewUser", &format!("{action}/const")), "Hall::Action::\"view\"");
    assert_eq!(names("ShopActionViewOrder", &format!("{action}/const")), "Shop::Action::\"view\"");
    assert_eq!(names("Order", "/properties/properties/properties/price/description"), "What it costs.");
    assert_eq!(names("Part", "/description"), "What is in a box. It costs `\"money\"` */.");
}

#[test]
fn descriptions_are_the_same_each_time() {
    for format in ["markdown", "openapi", "json-schema"] {
        let described = || check(&run(["schema", "--format", format]), 0).0;
        assert_eq!(described(), described(), "{format}");
    }
}

#[test]
fn a_folder_that_is_not_valid_has_no_description() {
    let folder = folder();
    fs::write(folder.path().join("schema.cedarschema"), "entity").unwrap();
    let (out, told) = check(&run(["schema", folder.path().to_str().unwrap()]), 3);
    assert_eq!(out, "");
    assert!(told.contains("schema.cedarschema"), "{told}");
}

/// A folder with policies about every kind of value.
pub(crate) fn shop() -> tempfile::TempDir {
    let folder = folder();
    fs::write(folder.path().join("schema.cedarschema"), EVERY_KIND).unwrap();
    fs::write(folder.path().join("all.cedar"), EVERYTHING).unwrap();
    fs::create_dir(folder.path().join("directory")).unwrap();
    folder
}

fn schema(policies: &Path) -> Value {
    let (text, _) = check(&run(["schema", "--format", "json-schema", policies.to_str().unwrap()]), 0);
    serde_json::from_str(&text).unwrap()
}

fn branches(schema: &Value) -> impl Iterator<Item = &Value> {
    let all = schema["anyOf"].as_array().unwrap();
    all.iter().map(|branch| schema.pointer(&branch["$ref"].as_str().unwrap()[1..]).unwrap())
}

/// Whether a value is what a schema of the document describes.
#[track_caller]
fn fits(document: &Value, schema: &str, value: &Value) {
    let mut whole = document.clone();
    whole["$ref"] = format!("#/components/schemas/{schema}").into();
    let validator = jsonschema::draft202012::new(&whole).unwrap();
    validator.validate(value).unwrap_or_else(|error| panic!("{schema}: {error}: {value}"));
}

async fn get(sidecar: &Sidecar, path: &str, known: Option<&str>) -> Reply {
    let request = Request::get(path).header("host", "localhost");
    let request = known.into_iter().fold(request, |request, tag| request.header("if-none-match", tag));
    crate::support::request(sidecar.address, request.body(Vec::new()).unwrap()).await
}

/// The question as a schema sees it: without members that are null, and without members of the message that it has none of.
fn plain(question: &Value) -> Value {
    let mut plain = without_null(question);
    if let Some(parts) = plain.as_object_mut() {
        parts.retain(|name, _| ["subject", "action", "resource", "context"].contains(&name.as_str()));
        for name in ["subject", "action", "resource"] {
            if let Some(part) = parts.get_mut(name).and_then(Value::as_object_mut) {
                let own = if name == "action" { ["name", "name", "properties"] } else { ["type", "id", "properties"] };
                part.retain(|name, _| own.contains(&name.as_str()));
            }
        }
    }
    plain
}

fn without_null(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), without_null(value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(elements) => elements.iter().map(without_null).collect(),
        other => other.clone(),
    }
}

/// Makes questions by their schema.
struct Maker<'a> {
    schema: &'a Value,
    random: Random,
    made: usize,
}

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % (bound.max(1) as u64)).unwrap()
    }
}

impl Maker<'_> {
    fn question(&mut self) -> Value {
        let branches = self.schema["anyOf"].as_array().unwrap();
        let branch = &branches[self.random.below(branches.len())];
        self.value(branch)
    }

    /// A value that fits, with some of what is optional. Each free text is another one.
    fn value(&mut self, schema: &Value) -> Value {
        if let Some(place) = schema["$ref"].as_str() {
            return self.value(self.schema.pointer(&place[1..]).unwrap());
        }
        for keyword in ["anyOf", "enum", "examples"] {
            // The example of a branch is one question alone.
            let Some(choices) = schema[keyword].as_array().filter(|_| schema["properties"].is_null()) else { continue };
            let choice = &choices[self.random.below(choices.len())];
            return if keyword == "anyOf" { self.value(choice) } else { choice.clone() };
        }
        if !schema["const"].is_null() {
            return schema["const"].clone();
        }
        match schema["type"].as_str().unwrap() {
            "boolean" => (self.random.below(2) == 0).into(),
            "integer" => match self.random.below(3) {
                0 => schema["minimum"].clone(),
                1 => schema["maximum"].clone(),
                _ => 4.min(schema["maximum"].as_i64().unwrap()).into(),
            },
            "string" => {
                self.made += 1;
                format!("made-{}", self.made).into()
            }
            "array" => (0..self.random.below(3)).map(|_| self.value(&schema["items"])).collect(),
            "object" => {
                let required: BTreeSet<_> =
                    schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                let declared = schema["properties"].as_object().into_iter().flatten();
                let mut members = Map::new();
                for (name, schema) in declared {
                    if required.contains(name.as_str()) || self.random.below(3) == 0 {
                        members.insert(name.clone(), self.value(schema));
                    }
                }
                if schema["additionalProperties"].is_object() {
                    members.insert("free".to_owned(), self.value(&schema["additionalProperties"]));
                }
                members.into()
            }
            other => panic!("{other}"),
        }
    }

    /// One mistake, or what looks like one, at a random place.
    fn spoil(&mut self, question: &mut Value) {
        let mut places = Vec::new();
        list("", question, &mut places);
        let place = places[self.random.below(places.len())].clone();
        let other = self.question();
        let (above, name) = place.rsplit_once('/').unwrap();
        let within = question.pointer_mut(above).unwrap();
        let wrong = [
            json!(null),
            json!(true),
            json!(1.5),
            json!(7),
            json!(1e300),
            json!("zz"),
            json!(""),
            json!([]),
            json!({}),
            json!({"type": "Desk", "id": "x"}),
            json!([["a"], "b"]),
        ];
        let wrong = &wrong[self.random.below(wrong.len())];
        // A tag that is null is no tag that is absent, and a reference has no member that is null.
        if wrong.is_null() && (place.contains("/tags/") || members_of_a_reference(within)) {
            return;
        }
        let Some(members) = within.as_object_mut() else {
            *question.pointer_mut(&place).unwrap() = wrong.clone();
            return;
        };
        match self.random.below(5) {
            0 => drop(members.remove(name)),
            1 => {
                let value = members.remove(name).unwrap();
                members.insert(format!("{name}x"), value);
            }
            2 => drop(members.insert("made-up".to_owned(), wrong.clone())),
            // A part of another question, which may apply.
            3 if other.pointer(&place).is_some() => {
                drop(members.insert(name.to_owned(), other.pointer(&place).unwrap().clone()));
            }
            _ => drop(members.insert(name.to_owned(), wrong.clone())),
        }
    }
}

fn members_of_a_reference(value: &Value) -> bool {
    value.get("type").is_some() && value.get("properties").is_none()
}

/// The places of all values below this one.
fn list(place: &str, value: &Value, places: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                places.push(format!("{place}/{name}"));
                list(&format!("{place}/{name}"), value, places);
            }
        }
        Value::Array(elements) => {
            for (index, value) in elements.iter().enumerate() {
                places.push(format!("{place}/{index}"));
                list(&format!("{place}/{index}"), value, places);
            }
        }
        _ => {}
    }
}
