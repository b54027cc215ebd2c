//! A server that answers as a script says: `scripted-server SCRIPT.json RECORD.jsonl`.
//!
//! It writes its port to standard output, one JSON line per request to the record, and ends when standard
//! input is closed or after ten minutes, whichever is first.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;

use evalwright_testing::serve;

/// No test needs a server for longer; a forgotten one goes away.
const LIFE: Duration = Duration::from_secs(600);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            drop(writeln!(std::io::stderr(), "error: {message}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [script, record] = paths.as_slice() else {
        return Err("usage: scripted-server SCRIPT.json RECORD.jsonl".to_owned());
    };
    let script = serve::read_script(script).map_err(|error| full_text(&error))?;
    let server = serve::Server::bind(script, record).map_err(|error| full_text(&error))?;
    writeln!(std::io::stdout(), "{}", server.port()).map_err(|error| error.to_string())?;

    let (ended, end) = mpsc::channel::<()>();
    std::thread::spawn(move || {
        drop(std::io::copy(
            &mut std::io::stdin().lock(),
            &mut std::io::sink(),
        ));
        drop(ended);
    });
    std::thread::spawn(move || server.answer_all());
    // Both the closed channel and the time that ran out mean: end. Leaving `main` ends every thread.
    end.recv_timeout(LIFE).ok();
    Ok(())
}

fn full_text(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
