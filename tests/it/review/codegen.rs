//! The builders of questions, compiled and run in their languages: what is right is answered, and what is wrong does not
//! compile.

use crate::{
    api::description,
    support::{Sidecar, check, dotnet, folder, repository, run},
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
    /// Where a client with a mistake is, by its number.
    wrong: fn(usize) -> String,
    compile: fn(&Path, &[String]) -> Output,
}

const TYPESCRIPT: Language = Language {
    name: "typescript",
    questions: "questions.ts",
    client: "ask.ts",
    wrong: |number| format!("wrong{number:02}.ts"),
    compile: compile_typescript,
};
const PYTHON: Language = Language {
    name: "python",
    questions: "questions.py",
    client: "ask.py",
    wrong: |number| format!("wrong{number:02}.py"),
    compile: compile_python,
};
const GO: Language = Language {
    name: "go",
    questions: "questions/questions.go",
    client: "ask/ask.go",
    wrong: |number| format!("wrong{number:02}/ask.go"),
    compile: compile_go,
};
const JAVA: Language = Language {
    name: "java",
    questions: "Questions.java",
    client: "Ask.java",
    wrong: |number| format!("Wrong{number:02}.java"),
    compile: compile_java,
};

const CSHARP: Language = Language {
    name: "csharp",
    questions: "Questions.cs",
    client: "Ask.cs",
    wrong: |number| format!("wrong{number:02}.cs"),
    compile: compile_csharp,
};

/// What is wrong in a client, for each language: the right text, the wrong one, and what the compiler says.
type Mistakes = [(&'static str, &'static str, &'static str)];

#[test]
fn typescript_is_answered_and_mistakes_do_not_compile() {
    let here = made(&TYPESCRIPT);
    let sidecar = Sidecar::builder().start();
    let address = format!("http://{}", sidecar.address);
    let asked = Command::new("node").arg(here.path().join("ask.js")).arg(address).output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&asked.stdout),
        "true false true false\n",
        "{}",
        String::from_utf8_lossy(&asked.stderr)
    );
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
        ("[\"pseudonymise\"]", "[\"pseudonimise\"]", "pseudonimise"),
        ("hide: (fields", "hied: (fields", "hied"),
        ("({ subject }, shown)", "({ subjct }, shown)", "subjct"),
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
    assert_eq!(
        String::from_utf8_lossy(&asked.stdout),
        "true false true false\n",
        "{}",
        String::from_utf8_lossy(&asked.stderr)
    );
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
        ("[\"pseudonymise\"]", "[\"pseudonimise\"]", "has incompatible type"),
        ("due[\"hide\"]", "due[\"hied\"]", "has no key \"hied\""),
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
fn go_is_answered_and_mistakes_do_not_compile() {
    let here = made(&GO);
    let sidecar = Sidecar::builder().start();
    let asked = go(here.path(), &["run", "./ask", &format!("http://{}", sidecar.address)]);
    assert_eq!(String::from_utf8_lossy(&asked.stdout), "true false true false\n", "{}", said(&asked));
    let mistakes: &Mistakes = &[
        ("AccessCode:", "AccesCode:", "AccesCode"),
        ("\"inv-0042\", false, 3,", "\"inv-0042\", false,", "cannot use"),
        ("false, 3, \"heron\"", "false, \"3\", \"heron\"", "cannot use"),
        ("\"heron\", \"detectives-north\"", "q.UnitReference(\"heron\"), \"detectives-north\"", "cannot use"),
        ("q.NewQuestion(\"9\")", "q.NewQuestion()", "not enough arguments"),
        ("q.ConsultInvestigation", "q.SearchInvestigation", "SearchInvestigation"),
        ("q.ConsultInvestigation", "q.ConsultDoor", "cannot use"),
        ("q.NewOfficer(", "q.NewOficer(", "NewOficer"),
        ("Automated:", "Automatic:", "Automatic"),
        ("q.ObligationHide,", "q.ObligationHied,", "ObligationHied"),
        ("q.ObligationHide,", "q.UnitReference(\"hide\"),", "cannot use"),
        ("q.NewOfficer(\"officer-0007\")", "q.NewRecipient(\"desk-1\", \"cjib\")", "Recipient"),
    ];
    refused(&GO, here.path(), mistakes);
}

#[test]
fn java_is_answered_and_mistakes_do_not_compile() {
    let here = made(&JAVA);
    let sidecar = Sidecar::builder().start();
    let mut client = Command::new("java");
    client.args(["-cp", "."]).arg("Ask").arg(format!("http://{}", sidecar.address)).current_dir(here.path());
    let asked = client.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&asked.stdout), "true false true false\n", "{}", said(&asked));
    let mistakes: &Mistakes = &[
        (".accessCode(", ".accesCode(", "accesCode"),
        ("\"inv-0042\", false, 3,", "\"inv-0042\", false,", "cannot be applied"),
        ("false, 3,", "false, \"3\",", "incompatible types"),
        ("new Questions.TeamReference(\"heron\")", "new Questions.UnitReference(\"heron\")", "incompatible types"),
        ("new Questions.Question(\"9\")", "new Questions.Question()", "cannot be applied"),
        ("Questions.consultInvestigation", "Questions.searchInvestigation", "searchInvestigation"),
        ("Questions.consultInvestigation", "Questions.consultDoor", "incompatible types"),
        ("new Questions.Officer(\"officer-0007\")", "new Questions.Team(\"heron\")", "class Team"),
        (".automated(", ".automatic(", "automatic"),
        ("Obligation.HIDE", "Obligation.HIED", "HIED"),
    ];
    refused(&JAVA, here.path(), mistakes);
}

#[test]
fn csharp_is_answered_and_mistakes_do_not_compile() {
    let here = made(&CSHARP);
    let sidecar = Sidecar::builder().start();
    let asked = dotnet::run(here.path(), "Ask").arg(format!("http://{}", sidecar.address)).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&asked.stdout), "true false true false\n", "{}", said(&asked));
    let mistakes: &Mistakes = &[
        ("accessCode:", "accesCode:", "accesCode"),
        ("embargo: false,", "", "does not contain a constructor"),
        ("level: 3", "level: \"3\"", "cannot convert"),
        ("new TeamReference(\"heron\")", "new UnitReference(\"heron\")", "cannot convert"),
        ("new Question(\"9\")", "new Question()", "Question"),
        ("ConsultInvestigation", "SearchInvestigation", "SearchInvestigation"),
        ("ConsultInvestigation", "ConsultDoor", "cannot convert"),
        (
            "new Officer(\"officer-0007\")",
            "new Recipient(\"desk-1\", new OrganisationReference(\"cjib\"))",
            "cannot convert",
        ),
        (
            "new DateTimeOffset(2026, 11, 1, 13, 0, 0, TimeSpan.FromHours(1))",
            "new DateTime(2026, 11, 1)",
            "cannot convert",
        ),
        ("automated:", "automatic:", "automatic"),
        ("Obligation.Hide", "Obligation.Hied", "Hied"),
    ];
    refused(&CSHARP, here.path(), mistakes);
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
    for language in [&TYPESCRIPT, &PYTHON, &GO, &JAVA, &CSHARP] {
        let here = folder();
        generate(language, Some(odd.path()), here.path());
        let nothing = match language.name {
            "go" => "package main\n\nimport _ \"example/questions\"\n\nfunc main() {}\n",
            "java" => "class Ask {}",
            "csharp" => "static class Ask { static void Main() {} }",
            _ => "",
        };
        write(&here.path().join(language.client), nothing);
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
    let client = repository().join("tests/clients/codegen").join(Path::new(language.client).file_name().unwrap());
    write(&here.path().join(language.client), &fs::read_to_string(client).unwrap());
    let compiled = (language.compile)(here.path(), &[language.questions.to_owned(), language.client.to_owned()]);
    assert!(compiled.status.success(), "{}: {}", language.name, said(&compiled));
    here
}

fn generate(language: &Language, policies: Option<&Path>, into: &Path) {
    let mut arguments = vec!["codegen", "--lang", language.name];
    arguments.extend(policies.map(|folder| folder.to_str().unwrap()));
    let (text, _) = check(&run(&arguments), 0);
    assert_eq!(check(&run(&arguments), 0).0, text);
    write(&into.join(language.questions), &text);
}

/// No mistake compiles, and the compiler says which one it is. Each is a file of its own, and all are compiled at once.
#[track_caller]
fn refused(language: &Language, here: &Path, mistakes: &Mistakes) {
    let right = fs::read_to_string(here.join(language.client)).unwrap();
    let files: Vec<_> = (0..mistakes.len()).map(language.wrong).collect();
    for ((text, wrong, _), file) in mistakes.iter().zip(&files) {
        assert!(right.contains(text), "{text}");
        let mut wrong = right.replacen(text, wrong, 1);
        // In Java a class has the name of its file.
        if let Some(class) = file.strip_suffix(".java") {
            wrong = wrong.replace("class Ask", &format!("class {class}"));
        }
        write(&here.join(file), &wrong);
    }
    let compiled = said(&(language.compile)(here, &files));
    // A message begins with its file, and may go on in lines that do not.
    let mut told = vec![String::new(); mistakes.len()];
    let mut of = None;
    for line in compiled.lines() {
        let line = line.trim_start_matches("vet: ");
        let number = line.get(1..).and_then(|line| line.strip_prefix("rong"));
        of = number.and_then(|line| line.get(..2)?.parse().ok()).or(of);
        of.into_iter().for_each(|number: usize| told[number].push_str(line));
    }
    for ((_, wrong, expected), told) in mistakes.iter().zip(&told) {
        assert!(told.contains(expected), "{}: {wrong}: {told:?}\n{compiled}", language.name);
    }
}

fn write(file: &Path, text: &str) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
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

fn compile_go(here: &Path, _: &[String]) -> Output {
    fs::write(here.join("go.mod"), "module example\n\ngo 1.18\n").unwrap();
    go(here, &["vet", "./..."])
}

/// Go, with what it keeps in the test's folder, and nothing from elsewhere.
fn go(here: &Path, arguments: &[&str]) -> Output {
    let mut go = Command::new("go");
    go.args(arguments)
        .current_dir(here)
        .env("GOCACHE", repository().join("target/tests/go"))
        .env("GOFLAGS", "-mod=mod");
    go.env("GOPROXY", "off").env("no_proxy", "127.0.0.1").output().unwrap()
}

fn compile_java(here: &Path, files: &[String]) -> Output {
    let mut javac = Command::new("javac");
    javac.args(["-Xlint:all", "-Werror", "-Xmaxerrs", "1000", "Questions.java"]);
    javac.args(files.iter().filter(|file| *file != "Questions.java")).current_dir(here).output().unwrap()
}

/// A client at a time: each has a `Main`.
fn compile_csharp(here: &Path, files: &[String]) -> Output {
    let mut outputs = files.iter().filter(|file| *file != "Questions.cs").map(|file| {
        let library = file.trim_end_matches(".cs");
        dotnet::compile(here, library, &["Questions.cs", file])
    });
    let first = outputs.next().unwrap();
    outputs.fold(first, |all, one| Output {
        stdout: [all.stdout, one.stdout].concat(),
        stderr: [all.stderr, one.stderr].concat(),
        ..one
    })
}

fn python() -> PathBuf {
    repository().join("target/tests/python/bin/python")
}
