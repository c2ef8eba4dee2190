//! The thread that sends heartbeats. Handlers that block all threads of the runtime must not stop it.

use std::{panic::AssertUnwindSafe, sync::Arc, thread};

use futures_util::FutureExt;
use tokio::{runtime::Builder, sync::oneshot, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::Heartbeat;
use crate::{telemetry, worker::Worker};

/// Beats on a dedicated thread; returns when the process's row is written.
///
/// The thread ends when the worker has stopped. It also ends when the calling runtime, and so its handlers, is gone:
/// then there is nothing left to vouch for. Dropping this call ends it too.
pub(in crate::worker) async fn start(worker: &Arc<Worker>, heartbeat: Heartbeat) -> JoinHandle<()> {
    let gone = CancellationToken::new();
    let unless_registered = gone.clone().drop_guard();
    let (registered, is_registered) = oneshot::channel();
    let (ended, has_ended) = oneshot::channel::<()>();
    let beating = beat(Arc::clone(worker), heartbeat, gone.clone(), registered, ended);
    let thread = thread::Builder::new().name("simple-queue heartbeat".to_owned());
    let keeper = match thread.spawn(beating) {
        Ok(_) => {
            let with_the_runtime = gone.drop_guard();
            tokio::spawn(async move {
                let _gone = with_the_runtime;
                if has_ended.await.is_err() {
                    telemetry::heartbeat::thread_gone();
                }
            })
        }
        Err(error) => {
            telemetry::heartbeat::thread_not_started(&error);
            worker.role_ended("heartbeat", format!("got no thread: {error}"));
            tokio::spawn(async {})
        }
    };
    if is_registered.await.is_err() {
        telemetry::heartbeat::not_registered();
    }
    drop(unless_registered.disarm());
    keeper
}

fn beat(
    worker: Arc<Worker>,
    mut heartbeat: Heartbeat,
    gone: CancellationToken,
    registered: oneshot::Sender<()>,
    ended: oneshot::Sender<()>,
) -> impl FnOnce() + Send {
    move || {
        let runtime = match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                telemetry::heartbeat::runtime_not_built(&error);
                return worker.role_ended("heartbeat", format!("got no runtime: {error}"));
            }
        };
        let beating = async {
            heartbeat.register().await;
            if registered.send(()).is_ok() {
                heartbeat.run().await;
            }
        };
        let beating = AssertUnwindSafe(gone.run_until_cancelled(beating)).catch_unwind();
        if let Err(panic) = runtime.block_on(beating) {
            worker.role_panicked("heartbeat", &*panic);
        }
        // If the runtime is gone, so is the receiver.
        if ended.send(()).is_err() {
            telemetry::heartbeat::ended_with_its_runtime();
        }
    }
}
