//! The processes of rules, started by the binary alone and only by a run.
//!
//! Each command line is one process for the whole run: it reads a line, answers with a line, and ends when its standard
//! input ends. All start before a model is asked, so that what a rule lacks costs nothing. Invariant: every process started
//! here is gone when the value is dropped.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use evalwright_pipeline::RuleProcesses;

use crate::failure::{Failure, Kind};
use crate::output::Printer;

/// The longest line that a process may answer, in bytes.
const LONGEST_ANSWER: u64 = 1 << 20;

/// As much of what it said last on standard error is shown when it fails, in bytes.
const LAST_WORDS: usize = 1000;

/// How long a process may take to end by itself when its standard input has ended, in steps of [`STEP`].
const STEPS_TO_END: u32 = 100;
const STEP: Duration = Duration::from_millis(20);

/// How long a process that has started may take to say that it cannot work. One that ends later is found out when it is
/// asked.
const TO_GIVE_UP: Duration = Duration::from_millis(100);

/// All processes that were started, by their command lines.
pub(crate) struct Started<'a> {
    printer: &'a Printer,
    processes: BTreeMap<Vec<String>, Process>,
}

impl<'a> Started<'a> {
    /// None yet.
    pub(crate) fn new(printer: &'a Printer) -> Self {
        Self {
            printer,
            processes: BTreeMap::new(),
        }
    }

    /// Starts the processes of command lines before they are asked.
    ///
    /// # Errors
    /// The first program that is not there, or that ends at once.
    pub(crate) fn begin<'c>(
        &mut self,
        commands: impl Iterator<Item = &'c [String]>,
    ) -> Result<(), Failure> {
        let gone =
            |problem: String| Failure::new(Kind::Config, format!("a rule's process: {problem}"));
        for command in commands {
            if self.processes.contains_key(command) {
                continue;
            }
            let process = self.process(command).map_err(gone)?;
            if let Some(problem) = process.has_given_up() {
                return Err(gone(format!("`{}` {problem}", shown(command))));
            }
        }
        Ok(())
    }

    /// The process of a command line, started if need be.
    fn process(&mut self, command: &[String]) -> Result<&mut Process, String> {
        if !self.processes.contains_key(command) {
            self.printer
                .say(&format!("starting the rule process `{}`", shown(command)));
            let process = Process::start(command)?;
            self.processes.insert(command.to_vec(), process);
        }
        self.processes
            .get_mut(command)
            .ok_or_else(|| format!("`{}` is not there", shown(command)))
    }
}

impl RuleProcesses for Started<'_> {
    fn ask(&mut self, command: &[String], seconds: u32, line: &str) -> Result<String, String> {
        let process = self.process(command)?;
        let answer = process.ask(line, Duration::from_secs(u64::from(seconds)));
        let trouble = match answer {
            Ok(answer) => return Ok(answer),
            Err(trouble) => trouble,
        };
        let problem = process.explain(&trouble, seconds);
        // It may still write an answer to this line: it is never asked again.
        self.processes.remove(command);
        Err(format!("`{}` {problem}", shown(command)))
    }
}

/// A command line as a person writes it. Of a script of several lines, which stands whole in the kind, the first one is
/// shown, and how many there are.
fn shown(command: &[String]) -> String {
    let words: Vec<String> = command
        .iter()
        .map(|word| {
            let mut lines = word.trim().lines();
            match (lines.next(), lines.count()) {
                (Some(first), more @ 1..) => format!("{first} … ({} lines)", more + 1),
                _ => word.clone(),
            }
        })
        .collect();
    words.join(" ")
}

/// What went wrong with a question.
enum Trouble {
    /// No line came in time.
    Late,
    /// Its output ended.
    Ended,
    /// A line of it is too long or no UTF-8, or reading failed.
    Unreadable(String),
}

/// One process. Reading and writing have threads of their own: neither can hold up the run for longer than allowed.
struct Process {
    child: Child,
    questions: Option<SyncSender<String>>,
    answers: Receiver<Result<String, String>>,
    last_words: Arc<Mutex<Vec<u8>>>,
    /// Disconnected when its standard error has been read to the end.
    all_said: Receiver<Infallible>,
}

impl Process {
    fn start(command: &[String]) -> Result<Self, String> {
        let (program, arguments) = command.split_first().ok_or("no program is named")?;
        let mut starting = Command::new(program);
        starting
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // A Ctrl-C is for the run, which stops in order; the process ends with it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut starting, 0);
        let mut child = starting
            .spawn()
            .map_err(|error| format!("`{}` cannot be started: {error}", shown(command)))?;
        let last_words = Arc::new(Mutex::new(Vec::new()));
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (questions, to_write) = sync_channel(1);
        let (to_answer, answers) = sync_channel(1);
        let (saying, all_said) = sync_channel(0);
        let process = Self {
            child,
            questions: Some(questions),
            answers,
            last_words: Arc::clone(&last_words),
            all_said,
        };
        // Dropping `process` on the way out ends the child.
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(format!("`{}` has no pipes", shown(command)));
        };
        std::thread::spawn(move || write_lines(stdin, &to_write));
        std::thread::spawn(move || read_lines(stdout, &to_answer));
        std::thread::spawn(move || {
            keep_last_words(stderr, &last_words);
            drop(saying);
        });
        Ok(process)
    }

    /// What is wrong, in words to follow the command line, if it has ended already.
    fn has_given_up(&mut self) -> Option<String> {
        let silent = self.all_said.recv_timeout(TO_GIVE_UP);
        if silent == Err(RecvTimeoutError::Timeout) || self.wait().is_none() {
            return None;
        }
        Some(self.explain(&Trouble::Ended, 0))
    }

    fn ask(&mut self, line: &str, patience: Duration) -> Result<String, Trouble> {
        // A line that nobody asked for would answer this question.
        if let Ok(early) = self.answers.try_recv() {
            return Err(match early {
                Ok(line) => Trouble::Unreadable(format!("wrote `{line}` before it was asked")),
                Err(problem) => Trouble::Unreadable(problem),
            });
        }
        let sent = self
            .questions
            .as_ref()
            .map(|questions| questions.try_send(line.to_owned()));
        match sent {
            Some(Ok(())) => {}
            Some(Err(TrySendError::Full(_))) => return Err(Trouble::Late),
            Some(Err(TrySendError::Disconnected(_))) | None => return Err(Trouble::Ended),
        }
        match self.answers.recv_timeout(patience) {
            Ok(Ok(line)) => Ok(line),
            Ok(Err(problem)) => Err(Trouble::Unreadable(problem)),
            Err(RecvTimeoutError::Timeout) => Err(Trouble::Late),
            Err(RecvTimeoutError::Disconnected) => Err(Trouble::Ended),
        }
    }

    /// The trouble in words, to follow the command line.
    fn explain(&mut self, trouble: &Trouble, seconds: u32) -> String {
        let mut words = match trouble {
            Trouble::Late => format!("gave no answer within {seconds} s"),
            Trouble::Unreadable(problem) => problem.clone(),
            Trouble::Ended => match self.wait() {
                Some(status) => {
                    // Its end can be known before its last words are read. A child of its own may hold the pipe open.
                    self.all_said.recv_timeout(STEP * STEPS_TO_END).ok();
                    format!("ended ({status}) instead of answering")
                }
                None => "closed its output instead of answering".to_owned(),
            },
        };
        let said = self
            .last_words
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let said = String::from_utf8_lossy(&said);
        if !said.trim().is_empty() {
            words.push_str(&format!("; it said: {}", said.trim()));
        }
        words
    }

    /// Its end, if it comes soon.
    fn wait(&mut self) -> Option<ExitStatus> {
        for _ in 0..STEPS_TO_END {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            std::thread::sleep(STEP);
        }
        None
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Without a writer its standard input ends, and with it a process that keeps to the rules.
        self.questions = None;
        if self.wait().is_none() {
            // Both fail only when it has ended already, which is what is wanted.
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

/// Writes each line until there are no more, or nobody reads them.
fn write_lines(mut stdin: ChildStdin, lines: &Receiver<String>) {
    for mut line in lines {
        line.push('\n');
        if stdin.write_all(line.as_bytes()).is_err() || stdin.flush().is_err() {
            return;
        }
    }
}

/// Hands on each line without its end. After one that cannot be read there are no more.
fn read_lines(stdout: ChildStdout, answers: &SyncSender<Result<String, String>>) {
    let mut reader = BufReader::new(stdout);
    loop {
        let mut bytes = Vec::new();
        let read = reader
            .by_ref()
            .take(LONGEST_ANSWER)
            .read_until(b'\n', &mut bytes);
        let answer = match read {
            Err(error) => Err(format!("cannot be read: {error}")),
            Ok(0) => return,
            Ok(_) if bytes.last() == Some(&b'\n') => {
                bytes.pop();
                String::from_utf8(bytes).map_err(|_| "wrote a line that is no UTF-8".to_owned())
            }
            Ok(_) if bytes.len() as u64 == LONGEST_ANSWER => {
                Err(format!("wrote a line of more than {LONGEST_ANSWER} bytes"))
            }
            // Half a line before its end is no answer.
            Ok(_) => return,
        };
        let is_last = answer.is_err();
        if answers.send(answer).is_err() || is_last {
            return;
        }
    }
}

/// Reads all of standard error, so that it never fills up, and keeps the end of it.
fn keep_last_words(mut stderr: ChildStderr, kept: &Mutex<Vec<u8>>) {
    let mut piece = [0; 4096];
    while let Ok(count @ 1..) = stderr.read(&mut piece) {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(piece.iter().take(count));
        let surplus = kept.len().saturating_sub(LAST_WORDS);
        kept.drain(..surplus);
    }
}

#[cfg(all(test, unix))]
mod tests;
