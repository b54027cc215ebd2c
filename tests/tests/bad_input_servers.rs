//! What can be wrong with a server, its address, its key or its price: one clear error each, with its exit code, and
//! no request where it can be known without one.
#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does"
)]

use std::io::{Read, Write};
use std::net::TcpListener;

use evalwright_testing::{Finished, Project, Response, Route, Script, ScriptedServer};
use evalwright_tests::served::{
    Answers, CHAT, JUDGING, VERSION, assert_same, behaviour, command, project, publish, published,
    run, with_models,
};
use evalwright_tests::{BEHAVIOUR, QUICK_BEHAVIOUR, QUICK_KIND};

/// A server that would answer everything.
fn willing() -> ScriptedServer {
    ScriptedServer::start(&Answers::default().script()).unwrap()
}

/// A server that says this to every chat.
fn says(status: u16, body: &str) -> ScriptedServer {
    let route = Route::at(CHAT).reply(Response::text(status, body));
    ScriptedServer::start(&Script::new().route(route)).unwrap()
}

fn base_url(server: &ScriptedServer) -> String {
    format!("{}/v1", server.url())
}

/// The error, and nothing published.
fn error(project: &Project, finished: &Finished, address: &str) -> String {
    assert!(!project.path().join(VERSION).exists());
    let text = project.transcript(finished).replace(address, "[server]");
    let (code, said) = text.split_once('\n').unwrap();
    let (_, words) = said.split_once("error: ").unwrap();
    format!("{code}\nerror: {words}")
}

/// A run that must end without a request, and without a store.
fn refused(server: &ScriptedServer, project: &Project, more: &[&str]) -> String {
    let finished = run(project, more);
    assert_eq!(server.requests().unwrap().len(), 0, "a request was sent");
    assert!(!project.path().join(".evalwright").exists());
    error(project, &finished, &server.url())
}

/// The project with these models, both free.
fn project_with(generator: &str, judge: &str) -> Project {
    let project = project("http://127.0.0.1:1");
    project
        .write("promises.toml", with_models(BEHAVIOUR, generator, judge))
        .unwrap();
    let free = |name: &str| {
        let name = name.split("@http").next().unwrap();
        format!("[[model]]\nname = \"{name}\"\nfree = true\n")
    };
    project
        .write("prices.toml", format!("{}{}", free(generator), free(judge)))
        .unwrap();
    project
}

#[test]
fn no_key() {
    let server = willing();
    let address = base_url(&server);
    let project = project_with(
        &format!("openai/gpt-x@{address}"),
        &format!("vllm/mock@{address}"),
    );
    insta::assert_snapshot!(refused(&server, &project, &[]), @r"
    exit code: 3
    error: openai needs a key: set OPENAI_API_KEY
    ");
}

#[test]
fn a_key_that_cannot_be_one() {
    let server = willing();
    let address = base_url(&server);
    let project = project_with(
        &format!("vllm/mock@{address}"),
        &format!("vllm/judge@{address}"),
    );
    project
        .write(".env", "VLLM_API_KEY=\"two words\"\n")
        .unwrap();
    insta::assert_snapshot!(refused(&server, &project, &[]), @r"
    exit code: 3
    error: the value of VLLM_API_KEY cannot be a key: it is empty, or holds blanks inside or characters that no header can carry
    ");
}

#[test]
fn a_key_that_is_refused() {
    let body = r#"{"error":{"message":"Incorrect API key provided: invented-key","code":"invalid_api_key"}}"#;
    let server = says(401, body);
    let project = project(&base_url(&server));
    let output = command(&project, &["run", "promises.toml"])
        .env("VLLM_API_KEY", "invented-key")
        .env("OPENAI_COMPATIBLE_API_KEY", "invented-key")
        .output();
    let finished = Finished::from(output.unwrap());
    insta::assert_snapshot!(error(&project, &finished, &server.url()), @r"
    exit code: 4
    error: model openai-compatible/mock: the server refuses the key (status 401: Incorrect API key provided: [key] [invalid_api_key]); check the key and what it may do

    hint: `evalwright doctor --model MODEL` asks the server what it can do
    ");
    // Those of the first connections at most.
    let asked = server.requests().unwrap().len();
    assert!(asked <= 8, "{asked} requests");
}

#[test]
fn a_model_that_the_server_does_not_know() {
    let server = says(
        404,
        r#"{"error":{"message":"The model `mock` does not exist."}}"#,
    );
    let project = project(&base_url(&server));
    let finished = run(&project, &[]);
    insta::assert_snapshot!(error(&project, &finished, &server.url()), @r"
    exit code: 4
    error: model openai-compatible/mock: the server does not know the model or the path (status 404: The model `mock` does not exist.); check the model's name and the base URL

    hint: `evalwright doctor --model MODEL` asks the server what it can do
    ");
}

#[test]
fn addresses_with_and_without_their_version_lead_to_the_same_place() {
    let server = willing();
    let mut first = None;
    for path in ["", "/", "/v1", "/v1/", "/v1/chat/completions"] {
        let project = project(&format!("{}{path}", server.url()));
        publish(&project, &[]);
        // And are one identity: every file is the same.
        let files = published(&project);
        assert_same(first.get_or_insert_with(|| files.clone()), &files);
    }
    assert!(
        server
            .requests()
            .unwrap()
            .iter()
            .all(|request| request.path() == CHAT)
    );
}

#[test]
fn an_address_that_is_none() {
    let project = project_with("vllm/mock@http://", "vllm/judge@http://127.0.0.1:1");
    let finished = run(&project, &[]);
    insta::assert_snapshot!(error(&project, &finished, "[none]"), @r#"
    exit code: 3
    error: the address "http://" cannot be used: empty host; write one like http://host:8000/v1
    "#);
    let project = project_with("openai-compatible/mock", "vllm/judge@http://127.0.0.1:1");
    let finished = run(&project, &[]);
    insta::assert_snapshot!(error(&project, &finished, "[none]"), @r"
    exit code: 3
    error: openai-compatible needs an address: write `openai-compatible/mock@http://host:port/v1`, or put it into OPENAI_COMPATIBLE_BASE_URL
    ");
}

#[test]
fn a_server_that_is_down() {
    let address = {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let project = project(&format!("{address}/v1"));
    let finished = run(&project, &[]);
    insta::assert_snapshot!(error(&project, &finished, &address), @r"
    exit code: 4
    error: model openai-compatible/mock: [server]/v1/chat/completions: the connection was refused: nothing listens there (Connection refused (os error 111)); start the server or check the address

    hint: every reply so far is kept; the same command goes on from here
    ");
}

/// A server that says the same to everyone who says anything; it ends with the test's process.
fn says_bytes(words: &'static [u8]) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut heard = [0; 4096];
            let Ok(1..) = stream.read(&mut heard) else {
                continue;
            };
            drop(stream.write_all(words));
            drop(stream.read(&mut heard));
        }
    });
    format!("https://{address}")
}

#[test]
fn a_certificate_that_nobody_trusts() {
    let address = says_bytes(include_bytes!(
        "../../crates/models/tests/servers/self_signed.tls"
    ));
    let project = project(&format!("{address}/v1"));
    let finished = run(&project, &[]);
    let said = error(&project, &finished, &address);
    for words in ["exit code: 4", "[server]", "certificate", "SSL_CERT_FILE"] {
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn a_plain_server_behind_https() {
    let server = willing();
    let address = server.url().replace("http:", "https:");
    let project = project(&format!("{address}/v1"));
    let finished = run(&project, &[]);
    insta::assert_snapshot!(error(&project, &finished, &address), @r"
    exit code: 4
    error: model openai-compatible/mock: [server]/v1/chat/completions: the server closed the connection before it was secure: it may not speak https (tls handshake eof); start the server or check the address

    hint: every reply so far is kept; the same command goes on from here
    ");
}

#[test]
fn prices_that_are_wrong() {
    let server = willing();
    let project = project(&base_url(&server));
    let refuse = |prices: &str| {
        project.write("prices.toml", prices).unwrap();
        refused(&server, &project, &[])
    };
    let per_token = "currency = \"USD\"\n\n[[model]]\nname = \"vllm/mock\"\ninput = 0.0000025\noutput = 0.00001\n";
    insta::assert_snapshot!(refuse(per_token), @r"
    exit code: 3
    error: prices.toml:5:9: `model[0].input` is 0.0000025, which looks like a price for one token; prices are for a million tokens: did you mean 2.5?
    5 | input = 0.0000025
      |         ^
    ");
    let misspelt =
        "currency = \"USD\"\n\n[[model]]\nname = \"vllm/mock\"\ninptu = 2.5\noutput = 10\n";
    insta::assert_snapshot!(refuse(misspelt), @r"
    exit code: 3
    error: prices.toml:5:1: unknown key `inptu` in `model[0]`; did you mean `input`?
    5 | inptu = 2.5
      | ^
    ");
    let other = "[[model]]\nname = \"vllm/mokc\"\nfree = true\n";
    insta::assert_snapshot!(refuse(other), @r#"
    exit code: 3
    error: no price is known for `vllm/mock`: did you mean `vllm/mokc`? or add a table `[[model]]` to prices.toml with `name = "vllm/mock"` and `input` and `output` per million tokens, or with `free = true`
    "#);
    std::fs::remove_file(project.path().join("prices.toml")).unwrap();
    insta::assert_snapshot!(refused(&server, &project, &[]), @r#"
    exit code: 3
    error: no price is known for `vllm/mock`: add a table `[[model]]` to prices.toml with `name = "vllm/mock"` and `input` and `output` per million tokens, or with `free = true`
    "#);
    insta::assert_snapshot!(refused(&server, &project, &["--prices", "elsewhere.toml"]), @r#"
    exit code: 3
    error: no price is known for `vllm/mock`: add a table `[[model]]` to elsewhere.toml with `name = "vllm/mock"` and `input` and `output` per million tokens, or with `free = true`
    "#);
    insta::assert_snapshot!(refused(&server, &project, &["--max-cost=-1"]), @r"
    exit code: 2
    error: --max-cost -1 is no amount of money
    ");
}

#[test]
fn a_judge_that_can_do_nothing_that_the_kind_asks() {
    let server = willing();
    let address = base_url(&server);
    let project = project(&address);
    for (name, text) in QUICK_KIND {
        project.write(name, text).unwrap();
    }
    let generator = format!("vllm/mock@{address}");
    let judge = format!("openai-compatible/mock@{address}");
    project
        .write(
            "promises.toml",
            with_models(QUICK_BEHAVIOUR, &generator, &judge),
        )
        .unwrap();
    insta::assert_snapshot!(refused(&server, &project, &[]), @r"
    exit code: 3
    error: judge openai-compatible/mock can do none of what the kind's counting raters ask (channel): name a judge that gives log-probabilities, or give the kind a rater with the method `votes` and `fallback = true`
    ");
}

#[test]
fn a_judge_that_gives_no_log_probabilities_against_all_expectation() {
    let good = Answers::default();
    let none =
        r#"{"choices":[{"message":{"content":"Yes"},"finish_reason":"stop","logprobs":null}]}"#;
    let judging = Route::at(CHAT)
        .when_body_contains(JUDGING)
        .reply(Response::text(200, none));
    let server = ScriptedServer::start(&good.writes(Script::new().route(judging))).unwrap();
    let project = project(&base_url(&server));
    let finished = run(&project, &[]);
    // It was found with one question to the judge, before a text was paid for.
    assert_eq!(server.requests().unwrap().len(), 1);
    insta::assert_snapshot!(error(&project, &finished, &server.url()), @r"
    exit code: 3
    error: model openai-compatible/mock: openai-compatible gave no logprobs for mock; use a model that gives logprobs, or sampled votes (method `votes`)

    hint: `evalwright doctor --model MODEL` shows what the server can do; a rater with `votes` needs nothing but text
    ");
}

#[test]
fn a_generator_that_cannot_go_on_from_the_prompt() {
    let server = willing();
    let address = base_url(&server);
    let judge = format!("vllm/judge@{address}");
    let project = project_with(&format!("openai-compatible/mock@{address}"), &judge);
    // A project's own wording that begins the reply whatever the model can do.
    let kind = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../templates/statement");
    for entry in std::fs::read_dir(kind).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.replace("{% if opened -%}\n{% for", "{% if true -%}\n{% for");
        project
            .write(&format!("kinds/statement/{name}"), text)
            .unwrap();
    }
    let finished = run(&project, &[]);
    insta::assert_snapshot!(error(&project, &finished, &server.url()), @r#"
    exit code: 3
    error: model openai-compatible/mock: openai-compatible cannot continue a reply that is already begun, and the prompt begins one ("- I keep my word eve"): take a preset whose prompts begin none, or another server

    hint: `evalwright doctor --model MODEL` shows what the server can do
    "#);
    assert_eq!(server.requests().unwrap().len(), 0, "a request was sent");
}

#[test]
fn a_server_that_no_one_knows() {
    let project = project_with("opnai/gpt-x", "vllm/judge@http://127.0.0.1:1");
    let finished = run(&project, &[]);
    insta::assert_snapshot!(error(&project, &finished, "[none]"), @r#"
    exit code: 3
    error: there is no server named "opnai"; known are openai, azure, vllm, sglang, llama-cpp, ollama, lm-studio, openrouter, anthropic, openai-compatible. For any other one that speaks OpenAI's protocol write `openai-compatible/<model>@<base URL>`

    hint: a model inside the process is `local/<model>`; `evalwright model list` shows those there are
    "#);
}

#[test]
fn a_line_of_the_environment_file_that_cannot_be_read() {
    let server = willing();
    let project = project(&base_url(&server));
    project
        .write(".env", "# mine\nVLLM_API_KEY=\"invented\nNEXT=1\n")
        .unwrap();
    let said = refused(&server, &project, &[]);
    assert!(!said.contains("invented"), "{said}");
    insta::assert_snapshot!(said, @r"
    exit code: 3
    error: .env:2: this line cannot be read

    hint: each line is NAME=value; a value with blanks or `#` stands in quotes
    ");
}

#[test]
fn a_quota_that_is_used_up() {
    let body = r#"{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}"#;
    let server = says(429, body);
    let project = project(&base_url(&server));
    let finished = run(&project, &[]);
    insta::assert_snapshot!(error(&project, &finished, &server.url()), @r"
    exit code: 4
    error: model openai-compatible/mock: the account's quota or credit is used up (status 429: You exceeded your current quota [insufficient_quota]); waiting does not help: raise it, then go on with the same command

    hint: every reply so far is kept; the same command goes on from here
    ");
    let asked = server.requests().unwrap().len();
    assert!(asked <= 8, "{asked} requests");
}

#[test]
fn a_server_that_is_always_broken() {
    let server = says(500, "oops");
    let project = project(&base_url(&server));
    let finished = run(&project, &[]);
    insta::assert_snapshot!(error(&project, &finished, &server.url()), @r"
    exit code: 4
    error: model openai-compatible/mock: not one answer came: gave up after 8 attempts: status 500: oops

    hint: every reply so far is kept; the same command goes on from here
    ");
}

#[test]
fn the_same_model_twice_as_a_judge() {
    let server = willing();
    let address = base_url(&server);
    let project = project(&address);
    let twice = behaviour(&address).replace(
        "judges = [",
        &format!("judges = [\"openai-compatible/mock@{address}\", "),
    );
    project.write("promises.toml", twice).unwrap();
    insta::assert_snapshot!(refused(&server, &project, &[]), @r#"
    exit code: 3
    error: promises.toml:9:63: `models.judges[1]` repeats "openai-compatible/mock@[server]/v1"
    9 | judges = ["openai-compatible/mock@[server]/v1", "openai-compatible/mock@[server]/v1"]
      |                                                               ^
    "#);
}
