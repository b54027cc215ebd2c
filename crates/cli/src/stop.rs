//! Ctrl-C once finishes what is in flight, twice stops at once.

use evalwright_core::{Interrupt, exit_code};

use crate::output::Printer;

/// Listens for Ctrl-C (and, on Unix, for a termination request) for the rest of the process's life.
///
/// It returns when the listener is in place: a Ctrl-C after it is never the system's own, which ends the
/// process at once.
pub(crate) fn listen(interrupt: &Interrupt) {
    let interrupt = interrupt.clone();
    let (ready, is_ready) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
        else {
            return;
        };
        runtime.block_on(async move {
            let requests = Requests::listen();
            // Nobody waits for it when the process is on its way out.
            ready.send(()).ok();
            let Some(mut requests) = requests else { return };
            while requests.next().await {
                if interrupt.is_asked() {
                    leave();
                }
                interrupt.ask();
                Printer::new().say(
                    "stopping: finishing what is in flight; the same command goes on from here (again to stop at once)",
                );
            }
        });
    });
    // The thread drops its end when it cannot listen; then there is nothing to wait for.
    is_ready.recv().ok();
}

/// Requests to stop, from the moment it is made: none between two waits is lost.
#[cfg(unix)]
struct Requests {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Requests {
    fn listen() -> Option<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Some(Self {
            interrupt: signal(SignalKind::interrupt()).ok()?,
            terminate: signal(SignalKind::terminate()).ok()?,
        })
    }

    async fn next(&mut self) -> bool {
        tokio::select! {
            request = self.interrupt.recv() => request.is_some(),
            request = self.terminate.recv() => request.is_some(),
        }
    }
}

#[cfg(not(unix))]
struct Requests;

#[cfg(not(unix))]
impl Requests {
    fn listen() -> Option<Self> {
        Some(Self)
    }

    async fn next(&mut self) -> bool {
        tokio::signal::ctrl_c().await.is_ok()
    }
}

#[expect(
    clippy::exit,
    reason = "the second Ctrl-C asks for exactly this; every reply that came is in the store"
)]
fn leave() -> ! {
    std::process::exit(i32::from(exit_code::INTERRUPTED))
}
