//! The builders of questions, compiled and run in their languages: what is right is answered, and what is wrong does not
//! compile.

use crate::{
    api::description,
    support::{Sidecar, check, folder, repository, run},
};
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// A language: what makes its builders, what asks with them, and what checks them.
struct Language {
    name: &'static str,
    questions: &'static str,
    client: &'static str,
    compile: fn(&Path, &[String]) -> Output,
}

const TYPESCRIPT: Language =
    Language { name: "typescript", questions: "questions.ts", client: "ask.ts", compile: compile_typescript };
const PYTHON: Language =
    Language { name: "python", questions: "questions.py", client: "ask.py", compile: compile_python };

/// What is wrong in a client, for each language: the right text, the wrong one, and what the compiler says.
type Mistakes = [(&'static str, &'static str, &'static str)];

#[test]
fn typescript_is_answered_and_mistakes_do_not_compile() {
    let here = made(&TYPESCRIPT);
    let sidecar = Sidecar::builder().start();
    let address = format!("http://{}", sidecar.address);
    let asked = Command::new("node").arg(here.path().join("ask.js")).arg(address).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&asked.stdout), "true false\n", "{}", String::from_utf8_lossy(&asked.stderr));
    let mistakes: &Mistakes = &[
        ("access_code:", "acces_code:", "acces_code"),
        ("embargo: false,", "", "embargo"),
        ("level: 3", "level: 5", "Type '5' is not assignable"),
        ("level: 3", "level: \"3\"", "is not assignable to type"),
        ("embargo: false,", "embargo: false, zone: 1,", "zone"),
        ("purpose: \"9\"", "purpose: \"99\"", "\"99\""),
        ("purpose: \"9\"", "", "purpose"),
        ("purpose: \"9\"", "purpose: \"9\", justificaton: \"x\"", "justificaton"),
        ("context: { purpose: \"9\" },", "", "context"),
        ("type: \"Team\"", "type: \"Unit\"", "Team"),
        ("type: \"Officer\"", "type: \"Oficer\"", "Oficer"),
        ("ask.consult.Investigation", "ask.search.Investigation", "Property 'Investigation' does not exist"),
        ("ask.consult.Investigation", "ask.consul.Investigation", "Property 'consul' does not exist"),
        ("automated: true", "automatic: true", "automatic"),
    ];
    refused(&TYPESCRIPT, here.path(), mistakes);
}

#[test]
fn python_is_answered_and_mistakes_do_not_compile() {
    let here = made(&PYTHON);
    let sidecar = Sidecar::builder().start();
    let mut client = Command::new(python());
    let client = client.arg(here.path().join("ask.py")).arg(format!("http://{}", sidecar.address));
    let asked = client.env("no_proxy", "127.0.0.1").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&asked.stdout), "true false\n", "{}", String::from_utf8_lossy(&asked.stderr));
    let mistakes: &Mistakes = &[
        ("access_code=", "acces_code=", "Unexpected keyword argument \"acces_code\""),
        ("embargo=False,", "", "Missing named argument \"embargo\""),
        ("level=3", "level=5", "has incompatible type \"Literal[5]\""),
        ("level=3", "level=\"3\"", "has incompatible type"),
        ("purpose=\"9\"", "purpose=\"99\"", "has incompatible type"),
        ("purpose=\"9\"", "", "Missing named argument \"purpose\""),
        ("    context=q.Question(purpose=\"9\"),\n", "", "Missing named argument \"context\""),
        ("q.Ref(\"Team\",", "q.Ref(\"Unit\",", "has incompatible type"),
        ("q.consult_investigation", "q.search_investigation", "has no attribute \"search_investigation\""),
        ("q.consult_investigation", "q.obtain_registration", "has incompatible type \"Officer\"; expected \"Partner\""),
        ("q.DisclosureAction(automated", "q.DisclosureAction(automatic", "Unexpected keyword argument"),
    ];
    refused(&PYTHON, here.path(), mistakes);
    // A moment without a zone is none.
    let client = fs::read_to_string(here.path().join("ask.py")).unwrap();
    let wrong = client.replace(", timezone(timedelta(hours=1))", "");
    assert_ne!(wrong, client);
    fs::write(here.path().join("ask.py"), wrong).unwrap();
    let asked = Command::new(python()).arg(here.path().join("ask.py")).arg("http://127.0.0.1:1").output().unwrap();
    assert!(String::from_utf8_lossy(&asked.stderr).contains("has no time zone"), "{asked:?}");
}

#[test]
fn builders_of_odd_schemas_compile() {
    let odd = description::shop();
    let schema = odd.path().join("schema.cedarschema");
    let text = fs::read_to_string(&schema).unwrap();
    let hostile = r#"
        namespace Odd {
            @doc("*/ alert(1) /* \"\"\" \\ \u{202e} #")
            @source("request")
            entity Date, Evaluation, None, str in [Date] { "from": Date, "a\"b": String, "a-b"?: Bool, "a b"?: Bool, class?: Bool, id?: Long };
            action delete, "import", "\"}; alert(1); //", "🔒", "" appliesTo { principal: [Date, None], resource: [Date, Evaluation, str], context: {} };
        }"#;
    fs::write(&schema, format!("{text}{hostile}")).unwrap();
    for language in [&TYPESCRIPT, &PYTHON] {
        let here = folder();
        generate(language, Some(odd.path()), here.path());
        fs::write(here.path().join(language.client), "").unwrap();
        let compiled = (language.compile)(here.path(), &[language.questions.to_owned(), language.client.to_owned()]);
        assert!(compiled.status.success(), "{}: {}", language.name, said(&compiled));
        let asked = fs::read_to_string(here.path().join(language.questions)).unwrap();
        assert!(!asked.contains('\u{202e}'), "{}", language.name);
    }
}

/// A folder with the builders of the sample policies, and a client that compiles.
fn made(language: &Language) -> tempfile::TempDir {
    let here = folder();
    generate(language, None, here.path());
    fs::copy(repository().join("tests/clients/codegen").join(language.client), here.path().join(language.client))
        .unwrap();
    let compiled = (language.compile)(here.path(), &[language.questions.to_owned(), language.client.to_owned()]);
    assert!(compiled.status.success(), "{}: {}", language.name, said(&compiled));
    here
}

fn generate(language: &Language, policies: Option<&Path>, into: &Path) {
    let mut arguments = vec!["codegen", "--lang", language.name];
    arguments.extend(policies.map(|folder| folder.to_str().unwrap()));
    let (text, _) = check(&run(&arguments), 0);
    assert_eq!(check(&run(&arguments), 0).0, text);
    fs::write(into.join(language.questions), text).unwrap();
}

/// No mistake compiles, and the compiler says which one it is. Each is a file of its own, and all are compiled at once.
#[track_caller]
fn refused(language: &Language, here: &Path, mistakes: &Mistakes) {
    let right = fs::read_to_string(here.join(language.client)).unwrap();
    let file = |index: usize| format!("wrong{index:02}.{}", language.client.rsplit('.').next().unwrap());
    for (index, (text, wrong, _)) in mistakes.iter().enumerate() {
        assert!(right.contains(text), "{text}");
        fs::write(here.join(file(index)), right.replacen(text, wrong, 1)).unwrap();
    }
    let files: Vec<_> = (0..mistakes.len()).map(file).collect();
    let compiled = said(&(language.compile)(here, &files));
    for (index, (_, wrong, expected)) in mistakes.iter().enumerate() {
        // A message begins with its file, and may go on in lines that are indented.
        let of_it = compiled
            .split("\nwrong")
            .filter(|part| part.trim_start_matches("wrong").starts_with(&format!("{index:02}")));
        let told: String = of_it.collect();
        assert!(told.contains(expected), "{}: {wrong}: {told:?}\n{compiled}", language.name);
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn compile_typescript(here: &Path, files: &[String]) -> Output {
    let options = json!({
        "compilerOptions": {
            "strict": true,
            "exactOptionalPropertyTypes": true,
            "target": "es2022",
            "module": "nodenext",
            "types": [],
            "pretty": false,
        },
        "files": files,
    });
    fs::write(here.join("package.json"), r#"{"type": "module"}"#).unwrap();
    fs::write(here.join("tsconfig.json"), options.to_string()).unwrap();
    let mut tsc = Command::new("node");
    tsc.arg(repository().join("tests/clients/node/node_modules/typescript/bin/tsc")).current_dir(here).output().unwrap()
}

fn compile_python(here: &Path, files: &[String]) -> Output {
    let mut mypy = Command::new(python());
    mypy.args(["-m", "mypy", "--strict", "--no-color-output"]).args(files);
    mypy.current_dir(here).output().unwrap()
}

fn python() -> PathBuf {
    repository().join("target/tests/python/bin/python")
}
