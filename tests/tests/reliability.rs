//! Promises about runs that meet other runs, finished ones, full disks and talkative servers.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does"
)]

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::process::Child;
use std::time::{Duration, Instant};

use evalwright_core::{
    Finish, ModelIdentity, Prompt, SampleRequest, Sampling, Seed, TextReply, TokenUsage,
};
use evalwright_store::{ReplyStore, TextEntry, sample_key};
use evalwright_testing::{Finished, Project, Response, Route, Script, ScriptedServer, read_tree};
use evalwright_tests::served::{
    Answers, CHAT, JUDGING, STORE, VERSION, assert_same, behaviour, command, project, publish,
    published, run,
};

const CALLS: usize = 49;

fn willing(latency_ms: u64) -> ScriptedServer {
    ScriptedServer::start(&Answers::after_ms(latency_ms).script()).unwrap()
}

fn base_url(server: &ScriptedServer) -> String {
    format!("{}/v1", server.url())
}

fn start(project: &Project, more: &[&str]) -> Child {
    let mut arguments = vec!["run", "promises.toml"];
    arguments.extend(more);
    command(project, &arguments).spawn().unwrap()
}

/// Promise R-05, case D08: exactly one of two runs on one output goes on, the other ends at once and says why; a run
/// that was killed holds nothing back.
#[test]
fn r05_d08_two_runs_on_one_output() {
    let server = willing(4);
    let alone = project(&base_url(&server));
    publish(&alone, &[]);
    let expected = published(&alone);
    for _ in 0..20 {
        let project = project(&base_url(&server));
        let before = Instant::now();
        let children = [start(&project, &[]), start(&project, &[])];
        let mut ended: Vec<(Duration, Finished)> = children
            .map(|child| {
                let output = child.wait_with_output().unwrap();
                (before.elapsed(), Finished::from(output))
            })
            .into();
        ended.sort_by_key(|(_, finished)| finished.code);
        let [(_, winner), (_, loser)] = &ended[..] else {
            unreachable!("two were started");
        };
        if loser.code == Some(0) {
            // The second came when the first had published.
            assert!(
                loser.stderr.contains("already published")
                    || winner.stderr.contains("already published")
            );
        } else {
            assert_eq!((winner.code, loser.code), (Some(0), Some(1)));
            assert!(loser.stderr.contains("another run"), "{}", loser.stderr);
            assert!(loser.stderr.contains("lock"), "{}", loser.stderr);
        }
        assert_same(&expected, &published(&project));
    }

    let project = project(&base_url(&server));
    let mut holder = start(&project, &[]);
    let lock = project.path().join("generated/promises/.lock");
    while !lock.exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let second_started = Instant::now();
    let second = run(&project, &[]);
    let took = second_started.elapsed();
    if second.code == Some(1) {
        assert!(took < Duration::from_secs(2), "{took:?}");
    }
    holder.kill().unwrap();
    holder.wait().unwrap();
    publish(&project, &[]);
    assert_same(&expected, &published(&project));
}

/// Promise R-06: many processes make one new store at the same time and share it.
#[test]
fn r06_sixteen_processes_on_one_new_store() {
    let server = willing(2);
    let project = project(&base_url(&server));
    let children: Vec<(String, Child)> = (0..16)
        .map(|number| {
            let out = format!("out-{number}");
            let child = start(
                &project,
                &["--out", &out, "--store", "new/folder/replies.db"],
            );
            (out, child)
        })
        .collect();
    let mut first: Option<BTreeMap<String, Vec<u8>>> = None;
    for (out, child) in children {
        let finished = Finished::from(child.wait_with_output().unwrap());
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        let mut files = read_tree(&project.path().join(out).join("promises/1.0.0")).unwrap();
        files.remove("run.json").unwrap();
        assert_same(first.get_or_insert_with(|| files.clone()), &files);
    }
    let store = ReplyStore::open(&project.path().join("new/folder/replies.db")).unwrap();
    assert_eq!(store.count().unwrap(), CALLS as u64);
    assert!(store.check().unwrap().problems.is_empty());
}

/// Two runs share a store, and the server never says the same twice: both use whatever was kept first.
#[test]
fn runs_that_share_a_store_agree_although_the_server_does_not() {
    let good = Answers::after_ms(5);
    let mut writing = Route::at(CHAT);
    for number in 0..200 {
        let begin = if number % 2 == 0 {
            " gladly"
        } else {
            " seldom"
        };
        writing = writing.reply(good.written(&format!("{begin} number {number}")));
    }
    let server = ScriptedServer::start(&good.judges(Script::new()).route(writing)).unwrap();
    let project = project(&base_url(&server));
    let outs = ["one", "two", "three"];
    let children = outs.map(|out| start(&project, &["--out", out]));
    for child in children {
        let finished = Finished::from(child.wait_with_output().unwrap());
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    }
    let [one, two, three] = outs.map(|out| {
        let mut files = read_tree(&project.path().join(out).join("promises/1.0.0")).unwrap();
        files.remove("run.json").unwrap();
        files
    });
    assert_same(&one, &two);
    assert_same(&one, &three);
}

/// Ctrl-C: what is under way is still taken in, and nothing is asked twice.
#[test]
fn an_interrupted_run_loses_no_reply_that_was_asked_for() {
    let server = willing(150);
    let project = project(&base_url(&server));
    let child = start(&project, &["--max-connections", "6"]);
    while server.requests().unwrap().len() < 9 {
        std::thread::sleep(Duration::from_millis(1));
    }
    let kill = format!("kill -INT {}", child.id());
    let sent = std::process::Command::new("sh")
        .args(["-c", &kill])
        .status();
    assert!(sent.unwrap().success());
    let finished = Finished::from(child.wait_with_output().unwrap());
    assert_eq!(finished.code, Some(130), "{}", finished.stderr);
    let asked = server.requests().unwrap().len();
    assert!((9..CALLS).contains(&asked), "{asked}");
    let store = ReplyStore::open(&project.path().join(STORE)).unwrap();
    assert_eq!(store.count().unwrap(), asked as u64);
    drop(store);
    publish(&project, &[]);
    assert_eq!(server.requests().unwrap().len(), CALLS);
}

/// Promise R-07: a finished run that is started again sends nothing and changes no byte of anything.
#[test]
fn r07_a_finished_run_asks_nothing_and_changes_nothing() {
    let server = willing(0);
    let project = project(&base_url(&server));
    publish(&project, &[]);
    let before = read_tree(project.path()).unwrap();
    assert_eq!(server.requests().unwrap().len(), CALLS);
    let started = Instant::now();
    let finished = run(&project, &[]);
    assert!(started.elapsed() < Duration::from_secs(2));
    assert_eq!(finished.code, Some(0));
    assert!(finished.stderr.contains("already published"));
    assert_eq!(server.requests().unwrap().len(), CALLS);
    let mut after = read_tree(project.path()).unwrap();
    // The lock names the process that last held it.
    let lock = "generated/promises/.lock";
    after.insert(lock.to_owned(), before.get(lock).unwrap().clone());
    assert_same(&before, &after);

    // Even where nothing is published yet, everything is in the store.
    publish(&project, &["--out", "again"]);
    assert_eq!(server.requests().unwrap().len(), CALLS);
}

/// Case D07: a disk that is full while the next version is written.
#[cfg(target_os = "linux")]
#[test]
fn d07_a_full_disk_leaves_the_last_version_and_a_run_that_goes_on() {
    let server = willing(0);
    let project = project(&base_url(&server));
    publish(&project, &[]);
    let expected = published(&project);
    let next = ["run", "promises.toml", "--seed", "2"];
    let script = r#"trap "" XFSZ; ulimit -f 120; exec "$@""#;
    let output = project.shell(script, &next).unwrap().output().unwrap();
    let finished = Finished::from(output);
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    assert!(finished.stderr.contains("space"), "{}", finished.stderr);
    assert_same(&expected, &published(&project));
    assert!(!project.path().join("generated/promises/1.1.0").exists());
    let kept = ReplyStore::open(&project.path().join(STORE))
        .unwrap()
        .count()
        .unwrap();
    let asked = server.requests().unwrap().len();

    publish(&project, &next[2..]);
    let unlimited = evalwright_tests::served::project(&base_url(&server));
    publish(&unlimited, &[]);
    publish(&unlimited, &next[2..]);
    let [resumed, whole] = [&project, &unlimited].map(|project| {
        let mut files = read_tree(&project.path().join("generated/promises/1.1.0")).unwrap();
        files.remove("run.json").unwrap();
        files
    });
    assert_same(&whole, &resumed);
    let store = ReplyStore::open(&project.path().join(STORE)).unwrap();
    assert!(store.check().unwrap().problems.is_empty());
    println!("{kept} replies were kept and {asked} requests sent before the disk was full");
}

/// Promise R-04: whatever the size at which the disk is full, the run says so and the same command goes on once there
/// is room. A limit on the size of files, in blocks of 512 bytes, stands for the full disk.
#[cfg(target_os = "linux")]
#[test]
fn r04_a_disk_that_is_full_at_any_size_loses_nothing() {
    let server = willing(0);
    let alone = project(&base_url(&server));
    publish(&alone, &[]);
    let expected = published(&alone);
    let mut sizes_that_failed = 0;
    for step in 0..20_u32 {
        let blocks = 1 + step * 17 + step * step % 13;
        let project = project(&base_url(&server));
        let script = format!(r#"trap "" XFSZ; ulimit -f {blocks}; exec "$@""#);
        let before = server.requests().unwrap().len();
        let mut limited = project.shell(&script, &["run", "promises.toml"]).unwrap();
        let finished = Finished::from(limited.output().unwrap());
        let story = format!("{blocks} blocks: {}", finished.stderr);
        if finished.code == Some(0) {
            assert_same(&expected, &published(&project));
            continue;
        }
        sizes_that_failed += 1;
        assert_eq!(finished.code, Some(1), "{story}");
        assert!(finished.stderr.contains("space left"), "{story}");
        assert!(!project.path().join(VERSION).exists(), "{story}");
        let asked = server.requests().unwrap().len() - before;
        let store = project.path().join(STORE);
        let kept = ReplyStore::open(&store).unwrap().count().unwrap();

        let finished = run(&project, &[]);
        assert_eq!(finished.code, Some(0), "{story}\n{}", finished.stderr);
        assert_same(&expected, &published(&project));
        let store = ReplyStore::open(&store).unwrap();
        assert!(store.check().unwrap().problems.is_empty(), "{story}");
        assert_eq!(store.count().unwrap(), CALLS as u64, "{story}");
        // What was kept is not asked for again.
        let sent = server.requests().unwrap().len() - before - asked;
        assert_eq!(sent as u64, CALLS as u64 - kept, "{story}");
    }
    assert!(sizes_that_failed > 5, "{sizes_that_failed}");
}

/// Promise R-08: a store with very many replies opens at once and in little memory. `EVALWRIGHT_RECORDS=1000000` is the
/// whole promise.
#[cfg(target_os = "linux")]
#[test]
fn r08_a_large_store_opens_at_once() {
    let records =
        std::env::var("EVALWRIGHT_RECORDS").map_or(40_000, |count| count.parse().unwrap());
    let server = willing(0);
    let project = project(&base_url(&server));
    let store = ReplyStore::open(&project.path().join(STORE)).unwrap();
    let model = ModelIdentity {
        name: "vllm/other".to_owned(),
        weights: None,
        engine: "a scripted server".to_owned(),
        precision: "as served".to_owned(),
        chat_template: None,
    };
    let reply = Ok(TextReply {
        text: " gladly begin what others put off, whatever it costs.".to_owned(),
        finish: Finish::Stop,
        usage: TokenUsage::new(150, 12),
        notes: Vec::new(),
    });
    for first in (0..records).step_by(10_000) {
        let requests: Vec<SampleRequest> = (first..records.min(first + 10_000))
            .map(|seed| SampleRequest {
                prompt: Prompt::Text("List statements.".to_owned()),
                sampling: Sampling {
                    temperature: 1.0,
                    top_p: 1.0,
                    max_tokens: 40,
                    stop: Vec::new(),
                },
                seed: Seed(seed),
            })
            .collect();
        let entries: Vec<TextEntry<'_>> = requests
            .iter()
            .map(|request| TextEntry {
                key: sample_key(&model, request),
                request,
                model: &model,
                reply: &reply,
            })
            .collect();
        store.put_text_batch(&entries).unwrap();
    }
    drop(store);
    // 512 MiB of addresses are more than as much memory.
    let script = r#"ulimit -v 524288; exec "$@""#;
    for arguments in [&["replies", "list"][..], &["run", "promises.toml"]] {
        let started = Instant::now();
        let output = project.shell(script, arguments).unwrap().output();
        let finished = Finished::from(output.unwrap());
        assert_eq!(finished.code, Some(0), "{arguments:?}: {}", finished.stderr);
        let took = started.elapsed();
        assert!(took < Duration::from_secs(10), "{arguments:?}: {took:?}");
        println!("{arguments:?} with {records} replies in the store: {took:?}");
    }
    let finished = Finished::from(command(&project, &["replies", "list"]).output().unwrap());
    assert!(
        finished
            .stderr
            .contains(&format!("of {}", records + CALLS as u64))
    );
}

/// A new key of 48 characters that a URL, a header and a line of `.env` can hold, some of them by an escape.
fn canary() -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut key: String = (0..44_u32)
        .map(|place| {
            let mut hasher = RandomState::new().build_hasher();
            hasher.write_u32(place);
            let letter = hasher.finish() % LETTERS.len() as u64;
            char::from(LETTERS[usize::try_from(letter).unwrap()])
        })
        .collect();
    key.insert_str(20, "/+=&");
    key
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks_exact(3) {
        let number = three
            .iter()
            .fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        for place in 0..4 {
            let six = number >> (18 - 6 * place) & 63;
            text.push(char::from(LETTERS[six as usize]));
        }
    }
    text
}

fn percent(key: &str) -> String {
    let coded = |byte: u8| {
        if byte.is_ascii_alphanumeric() {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    key.bytes().map(coded).collect()
}

/// The ways in which a key can be written: as it is, percent-coded in part and whole, escaped for JSON, and in base64
/// with any two bytes before it.
fn forms(key: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![
        key.to_owned(),
        percent(key),
        percent(key).to_ascii_lowercase(),
        key.bytes().map(|byte| format!("%{byte:02X}")).collect(),
        key.replace('/', "\\/"),
        serde_json::to_string(key)
            .unwrap()
            .trim_matches('"')
            .to_owned(),
    ];
    for skipped in 0..3 {
        forms.push(base64(&key.as_bytes()[skipped..]));
    }
    forms.into_iter().map(String::into_bytes).collect()
}

/// Where one of the forms stands. The user's own files may hold the key.
fn hits(forms: &[Vec<u8>], project: &Project, outputs: &[Finished]) -> Vec<String> {
    let mut places: BTreeMap<String, Vec<u8>> = read_tree(project.path()).unwrap();
    for own in ["promises.toml", ".env"] {
        places.remove(own);
    }
    for (number, output) in outputs.iter().enumerate() {
        places.insert(
            format!("stdout of command {number}"),
            output.stdout.clone().into_bytes(),
        );
        places.insert(
            format!("stderr of command {number}"),
            output.stderr.clone().into_bytes(),
        );
    }
    assert!(places.keys().any(|name| name.ends_with("run.json")));
    let mut hits = Vec::new();
    for (name, bytes) in &places {
        for form in forms {
            if bytes.windows(form.len()).any(|window| window == form) {
                hits.push(format!("{name} holds {}", String::from_utf8_lossy(form)));
            }
        }
    }
    hits
}

/// A server that sends the key back in headers, errors, fields beside the answer and the answers themselves.
fn telltale(key: &str) -> ScriptedServer {
    let good = Answers::default();
    let escaped = serde_json::to_string(key).unwrap();
    let echoed = |mut script: Script| {
        for route in &mut script.routes {
            let mut answer = route.responses.remove(0).header("x-echo", key);
            if let evalwright_testing::Body::Varied(varied) = &mut answer.body {
                let begin = format!("{{\"echo\":{escaped},");
                varied.text = varied.text.replacen('{', &begin, 1);
            }
            let error = format!(
                "{{\"error\":{{\"message\":{}}}}}",
                serde_json::to_string(&format!("not now, {key} or {}", base64(key.as_bytes())))
                    .unwrap()
            );
            route.responses = vec![
                Response::text(500, &error)
                    .header("x-echo", key)
                    .header("x-request-id", key)
                    .header("retry-after-ms", "1"),
                answer,
            ];
        }
        script
    };
    let mut script = echoed(good.script());
    // Some statements are the key itself.
    let said = good.written(&format!(" gladly say {key} and {}", percent(key)));
    if let Some(route) = script.routes.get_mut(3) {
        route.responses.insert(1, said.clone());
        route.responses.insert(1, said);
    }
    let refused =
        format!("{{\"error\":{{\"message\":\"no key {key}\",\"code\":\"invalid_api_key\"}}}}");
    let script = script.route(Route::at("/v1/completions").reply(Response::text(401, &refused)));
    ScriptedServer::start(&script).unwrap()
}

/// Promises R-20 and R-23.
#[test]
fn r20_a_key_is_in_nothing_that_comes_of_a_run() {
    for way in ["variable", ".env", "user", "query"] {
        let key = canary();
        let server = telltale(&key);
        let address = server.url();
        let (host, in_url) = (address.trim_start_matches("http://"), percent(&key));
        let base_url = match way {
            "user" => format!("http://someone:{in_url}@{host}/v1"),
            "query" => format!("http://{host}/v1?api_key={in_url}"),
            _ => format!("http://{host}/v1"),
        };
        let project = project(&base_url);
        if way == ".env" {
            let lines = format!("VLLM_API_KEY='{key}'\nOPENAI_COMPATIBLE_API_KEY='{key}'\n");
            project.write(".env", lines).unwrap();
        }
        let ask = |arguments: &[&str]| {
            let mut command = command(&project, arguments);
            if way == "variable" {
                command
                    .env("VLLM_API_KEY", &key)
                    .env("OPENAI_COMPATIBLE_API_KEY", &key);
            }
            Finished::from(command.output().unwrap())
        };
        let model = format!("vllm/mock@{base_url}");
        let mut outputs = vec![ask(&["run", "promises.toml"])];
        assert_eq!(outputs[0].code, Some(0), "{way}: {}", outputs[0].stderr);
        for arguments in [
            &["run", "promises.toml", "--json"][..],
            &["run", "promises.toml", "--dry-run"],
            &["doctor", "--model", &model],
            &["doctor", "--model", &model, "--json"],
            &["replies", "list", "--json"],
            &["replies", "export"],
            &["replies", "check"],
            &["report", VERSION],
        ] {
            outputs.push(ask(arguments));
        }
        let sent = server.requests().unwrap();
        let (carried, whole) = (percent(&key), format!("Bearer {key}"));
        assert!(
            sent.iter().all(|request| {
                request.target.contains(&carried)
                    || request
                        .header("authorization")
                        .is_some_and(|value| value == whole || way == "user")
            }),
            "{way}: the server never had the key"
        );
        let found = hits(&forms(&key), &project, &outputs);
        assert!(found.is_empty(), "{way}: {found:#?}");

        // Not even five characters in a row in what is said.
        for output in &outputs {
            let said = output.stderr.as_bytes();
            for piece in key.as_bytes().windows(5) {
                let is_said = said.windows(5).any(|words| words == piece);
                assert!(!is_said, "{way}: {}", output.stderr);
            }
        }
    }
}

/// A message about a line of the behaviour quotes the line, but not the key in it.
#[test]
fn r23_a_key_in_a_line_that_is_wrong_is_not_quoted() {
    let key = canary();
    let address = format!("http://me:{0}@h.invalid/v1?key={0}", percent(&key));
    let project = project(&address);
    let wrong = behaviour(&address).replace("judges = [", "judge = [");
    project.write("promises.toml", wrong).unwrap();
    let finished = run(&project, &[]);
    assert_eq!(finished.code, Some(3));
    assert!(finished.stderr.contains("judge = ["), "{}", finished.stderr);
    for piece in key.as_bytes().windows(5) {
        let is_said = finished
            .stderr
            .as_bytes()
            .windows(5)
            .any(|words| words == piece);
        assert!(!is_said, "{}", finished.stderr);
    }
}

/// Promise R-22: another key for the same account finds every reply.
#[test]
fn r22_a_new_key_keeps_every_reply() {
    let server = willing(0);
    let project = project(&base_url(&server));
    let ask = |key: &str, out: &str| {
        let output = command(&project, &["run", "promises.toml", "--out", out])
            .env("VLLM_API_KEY", key)
            .env("OPENAI_COMPATIBLE_API_KEY", key)
            .output();
        let finished = Finished::from(output.unwrap());
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        server.requests().unwrap().len()
    };
    assert_eq!(ask("the-first-key-of-all", "one"), CALLS);
    assert_eq!(ask("quite-another-key", "two"), CALLS);
    // Neither does one in the address.
    let host = server.url().replace("http://", "http://me:a-third-key@");
    project
        .write(
            "promises.toml",
            behaviour(&format!("{host}/v1?key=a-fourth-key")),
        )
        .unwrap();
    assert_eq!(ask("", "three"), CALLS);
}

/// Case D09: the key is in the query of the address, and the server sends it back in the words of its error.
#[test]
fn d09_a_key_in_the_address_and_in_the_error() {
    let Some(shared) = std::env::var_os("EVALWRIGHT_SHARED") else {
        eprintln!("SKIPPED: d09_a_key_in_the_address_and_in_the_error needs EVALWRIGHT_SHARED");
        return;
    };
    let folder =
        std::path::Path::new(&shared).join("cases/durability/D09-key-in-url-and-error-text");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let case: serde_json::Value = serde_json::from_str(&read("case.json")).unwrap();
    let key = case["given"]["secret"].as_str().unwrap();
    let config: serde_json::Value = serde_json::from_str(&read("config.json")).unwrap();
    let url = config["url"].as_str().unwrap();
    let (_, query) = url.split_once('?').unwrap();
    assert!(query.contains(key));

    let route = |text| Route::at(CHAT).when_body_contains(text);
    let good = Answers::default();
    // The judge's first three answers are the case's error, so the run is published all the same.
    let error = || Response::text(500, &read("error_body.json")).header("retry-after-ms", "1");
    let judging = route(JUDGING)
        .reply(error())
        .reply(error())
        .reply(good.judged("Yes", "No"));
    let script = good.writes(Script::new().route(judging));
    let server = ScriptedServer::start(&script).unwrap();
    let project = project(&format!("{}/v1?{query}", server.url()));
    let finished = run(&project, &["--max-connections", "1"]);
    // The judge says Yes to everything, so one label has no rows.
    assert_eq!(finished.code, Some(5), "{}", finished.stderr);
    assert!(
        server
            .requests()
            .unwrap()
            .iter()
            .all(|request| request.target.contains(key))
    );
    let kept = case["expected"]["kept"].as_str().unwrap();
    assert!(finished.stderr.contains(kept), "{}", finished.stderr);
    let found = hits(&forms(key), &project, &[finished]);
    assert!(found.is_empty(), "{found:#?}");
}
