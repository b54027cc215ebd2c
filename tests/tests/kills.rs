//! A run that is killed at any moment goes on with the same command: nothing is lost, nothing doubled, the published
//! bytes are those of a run that was never killed, and no connection repeats more than the one call it had under way.
//!
//! The short form is the default. The long one is `EVALWRIGHT_KILLS=200 EVALWRIGHT_SWEEP=all`; a failure prints the
//! seed and the place of the kill, and `EVALWRIGHT_KILL_SEED` plays it again.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of a test fails as the test does"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use evalwright_store::ReplyStore;
use evalwright_testing::{Project, ScriptedServer};
use evalwright_tests::served::{
    Answers, STORE, VERSION, assert_same, behaviour, project, publish, published,
};

const CONNECTIONS: usize = 4;
const RUN: [&str; 4] = ["run", "promises.toml", "--max-connections", "4"];
/// How long the server takes for an answer.
const LATENCY_MS: u64 = 20;
const SHORT_KILLS: usize = 12;
/// Of so many places in a sweep one is tried by default.
const SHORT_STEP: usize = 8;

/// A server, and what a run with it publishes when nobody kills it.
struct Whole {
    server: ScriptedServer,
    expected: BTreeMap<String, Vec<u8>>,
    /// Calls of the run.
    calls: usize,
}

impl Whole {
    fn new() -> Self {
        let server = ScriptedServer::start(&Answers::after_ms(LATENCY_MS).script()).unwrap();
        let mut whole = Self {
            server,
            expected: BTreeMap::new(),
            calls: 0,
        };
        let project = whole.project();
        publish(&project, &RUN[2..]);
        whole.expected = published(&project);
        whole.calls = whole.asked();
        let bodies = whole.bodies(0);
        let different: BTreeSet<&String> = bodies.iter().collect();
        assert_eq!(different.len(), bodies.len(), "two calls are the same");
        whole
    }

    fn project(&self) -> Project {
        let base_url = format!("{}/v1", self.server.url());
        let project = project(&base_url);
        let behaviour = behaviour(&base_url).replace("rows = 4", "rows = 6");
        project.write("promises.toml", behaviour).unwrap();
        project
    }

    /// Requests that the server has seen so far.
    fn asked(&self) -> usize {
        self.server.requests().unwrap().len()
    }

    /// The bodies of the requests after the first so many.
    fn bodies(&self, from: usize) -> Vec<String> {
        let requests = self.server.requests().unwrap();
        requests
            .into_iter()
            .skip(from)
            .map(|request| request.body)
            .collect()
    }

    /// Starts the run and kills it once the server has seen `requests` of it and so many milliseconds have passed.
    /// Returns whether it lived until then.
    fn kill(&self, project: &Project, requests: usize, then: Duration) -> bool {
        let before = self.asked();
        let mut run = Running::start(project);
        while self.asked() < before + requests {
            if run.has_ended() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let until = Instant::now() + then;
        while Instant::now() < until {
            if run.has_ended() {
                return false;
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        run.kill()
    }

    /// Ends a project that was killed, and holds it against the run that was not. `places` are the numbers of requests
    /// that the server had seen at its beginning and at each kill.
    fn finish(&self, project: &Project, places: &[usize], story: &str) {
        let finished = project.run(&RUN).unwrap();
        assert_eq!(finished.code, Some(0), "{story}: {}", finished.stderr);
        assert_same(&self.expected, &published(project));
        let store = ReplyStore::open(&project.path().join(STORE)).unwrap();
        assert_eq!(store.count().unwrap(), self.calls as u64, "{story}");
        assert!(store.check().unwrap().problems.is_empty(), "{story}");

        let start = places.first().copied().unwrap_or_default();
        let bodies = self.bodies(start);
        let different: BTreeSet<&String> = bodies.iter().collect();
        assert_eq!(different.len(), self.calls, "{story}: a call was lost");
        for (kill, pair) in places.windows(2).enumerate() {
            let [begin, end] = [pair[0] - start, pair[1] - start];
            let later: BTreeSet<&String> = bodies.iter().skip(end).collect();
            let repeated = bodies[begin..end]
                .iter()
                .filter(|body| later.contains(body));
            let repeated = repeated.count();
            assert!(
                repeated <= CONNECTIONS,
                "{story}: {repeated} calls were repeated after kill {}",
                kill + 1
            );
        }
    }
}

/// A run under way. Dropping it kills it.
struct Running(Child);

impl Running {
    fn start(project: &Project) -> Self {
        let mut command = project.command(&RUN).unwrap();
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }

    fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }

    /// With SIGKILL, which nothing can catch. Whether it was still alive.
    fn kill(mut self) -> bool {
        let was_alive = !self.has_ended();
        self.0.kill().unwrap();
        self.0.wait().unwrap();
        was_alive
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Fails only when it has ended, which is what is wanted.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A small generator (splitmix64), so that a failure can be played again.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (value ^ (value >> 31)) % bound
    }
}

fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Promise R-01.
#[test]
fn r01_kills_at_random_points_lose_and_double_nothing() {
    let kills = setting("EVALWRIGHT_KILLS").map_or(SHORT_KILLS, |kills| kills.parse().unwrap());
    let seed = setting("EVALWRIGHT_KILL_SEED").map_or(1, |seed| seed.parse().unwrap());
    let mut chance = Chance(seed);
    let whole = Whole::new();
    let (mut killed, mut runs) = (0, 0);
    while killed < kills {
        runs += 1;
        let project = whole.project();
        let mut places = vec![whole.asked()];
        let mut story = format!("seed {seed}, run {runs}, killed after");
        while killed < kills {
            let requests = usize::try_from(chance.below(24)).unwrap();
            let then = Duration::from_micros(chance.below(2_000 * LATENCY_MS));
            if !whole.kill(&project, requests, then) {
                break;
            }
            killed += 1;
            story.push_str(&format!(" {requests} requests and {then:?},"));
            places.push(whole.asked());
        }
        whole.finish(&project, &places, &story);
    }
    println!(
        "{killed} kills of {runs} runs with {} calls each",
        whole.calls
    );
}

/// Promise R-02: at every event of a run, and at one of what is left once more.
#[test]
fn r02_kills_at_every_event_and_again_inside_the_resume() {
    let step = match setting("EVALWRIGHT_SWEEP").as_deref() {
        None => SHORT_STEP,
        Some("all") => 1,
        Some(other) => panic!("EVALWRIGHT_SWEEP is {other:?} and can only be `all`"),
    };
    let whole = Whole::new();
    let mut kills = 0;
    for event in (0..=whole.calls).step_by(step) {
        // Halfway between two answers, and where one comes.
        for then in [LATENCY_MS / 2, LATENCY_MS] {
            let project = whole.project();
            let mut places = vec![whole.asked()];
            let then = Duration::from_millis(then);
            let story = format!("killed after {event} requests and {then:?}, and in the resume");
            for requests in [event, (whole.calls - event) / 2] {
                if whole.kill(&project, requests, then) {
                    kills += 1;
                    places.push(whole.asked());
                }
            }
            whole.finish(&project, &places, &story);
        }
    }
    // The end of a run: when all answers are there and the version is written.
    for after in (0..60).step_by(5 * step) {
        let project = whole.project();
        let start = whole.asked();
        let then = Duration::from_millis(after as u64);
        if whole.kill(&project, whole.calls, then) {
            kills += 1;
            let half = project.path().join(VERSION);
            assert!(!half.exists() || published(&project) == whole.expected);
        }
        whole.finish(&project, &[start, whole.asked()], "killed at the end");
    }
    println!("{kills} kills of a run with {} calls", whole.calls);
}
