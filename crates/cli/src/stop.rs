//! Ctrl-C once finishes what is in flight, twice stops at once.

use evalwright_core::{Interrupt, exit_code};

use crate::output::Printer;

/// Listens for Ctrl-C (and, on Unix, for a termination request) for the rest of the process's life.
pub(crate) fn listen(interrupt: &Interrupt) {
    let interrupt = interrupt.clone();
    std::thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
        else {
            return;
        };
        runtime.block_on(async move {
            while wait_for_request().await {
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
}

#[cfg(unix)]
async fn wait_for_request() -> bool {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return tokio::signal::ctrl_c().await.is_ok();
    };
    tokio::select! {
        result = tokio::signal::ctrl_c() => result.is_ok(),
        _ = terminate.recv() => true,
    }
}

#[cfg(not(unix))]
async fn wait_for_request() -> bool {
    tokio::signal::ctrl_c().await.is_ok()
}

#[expect(
    clippy::exit,
    reason = "the second Ctrl-C asks for exactly this; every reply that came is in the store"
)]
fn leave() -> ! {
    std::process::exit(i32::from(exit_code::INTERRUPTED))
}
