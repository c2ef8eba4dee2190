//! A web service with its worker in one process. A request enqueues in its own transaction, an
//! orchestrator probes the health of the process, and a signal stops both after their current work.
//!
//! Run with: `cargo run --example axum_service`
//!
//! ```sh
//! curl -i localhost:3000/users -H 'content-type: application/json' -d '{"name": "Ada"}'
//! curl -i localhost:3000/health/ready
//! ```

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use simple_queue::{embedded::EmbeddedPostgres, prelude::*};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// State that requests and jobs share.
#[derive(JobState)]
struct App {
    mailer: Mailer,
}

struct Mailer {
    from: &'static str,
}

impl Mailer {
    fn send(&self, user_id: i64, text: &str) {
        tracing::info!(from = self.from, user_id, text, "sent a mail");
    }
}

/// Greets a new user.
#[job(queue = "emails", retries = 5, backoff = "exponential", unique = "{user_id}")]
async fn send_welcome(mailer: &Mailer, user_id: i64, name: String) {
    mailer.send(user_id, &format!("welcome, {name}"));
}

#[derive(Deserialize)]
struct NewUser {
    name: String,
}

#[derive(Serialize)]
struct Created {
    user_id: i64,
    job_id: String,
}

/// The user and the mail are stored together, or neither is.
async fn create_user(
    State(queue): State<SimpleQueue>,
    Json(NewUser { name }): Json<NewUser>,
) -> Result<(StatusCode, Json<Created>), Failed> {
    let mut tx = queue.pool().begin().await?;
    let inserted = sqlx::query_scalar("insert into users (name) values ($1) returning id");
    let user_id: i64 = inserted.bind(&name).fetch_one(&mut *tx).await?;
    let mail = SendWelcome::new(user_id, name).enqueue(&mut tx).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(Created { user_id, job_id: mail.id().to_string() })))
}

/// Liveness probe: an orchestrator restarts a process that is not alive.
async fn is_alive(State(queue): State<SimpleQueue>) -> StatusCode {
    status(queue.is_alive())
}

/// Readiness probe: an orchestrator sends no requests to a process that is not ready.
async fn is_ready(State(queue): State<SimpleQueue>) -> (StatusCode, String) {
    let health = queue.health().await;
    (status(health.is_ready), health.to_string())
}

fn status(is_well: bool) -> StatusCode {
    if is_well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

/// Turns any error into a 500, and logs it.
struct Failed(BoxDynError);

impl<E: Into<BoxDynError>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        tracing::error!(error = %self.0, "a request failed");
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

/// Serves requests and runs jobs until the signal; requests and jobs in flight are finished first.
///
/// A worker that ends by itself ends the process too, with an error, so that it is restarted.
async fn serve(
    listener: TcpListener,
    queue: SimpleQueue,
    stop: CancellationToken,
) -> Result<(), BoxDynError> {
    let routes = Router::new()
        .route("/users", post(create_user))
        .route("/health/live", get(is_alive))
        .route("/health/ready", get(is_ready))
        .with_state(queue.clone());
    let web = axum::serve(listener, routes).with_graceful_shutdown(stop.clone().cancelled_owned());
    let web = async { web.await.map_err(BoxDynError::from) };
    let worker = async { queue.run_until(stop.cancelled()).await.map_err(BoxDynError::from) };
    tokio::try_join!(web, worker)?;
    Ok(())
}

/// Creates the queue with its jobs, and the tables of the service.
async fn prepare(url: &str) -> Result<SimpleQueue, BoxDynError> {
    let queue = SimpleQueue::builder(url).permits(40).connect().await?;
    queue.migrate().await?;
    let users = "create table if not exists users (id bigserial primary key, name text not null)";
    sqlx::query(users).execute(queue.pool()).await?;
    // Requests use the same state as the jobs: it is in an `Arc`.
    let app = Arc::new(App { mailer: Mailer { from: "us" } });
    queue.register(jobs![SendWelcome], app)?;
    Ok(queue)
}

#[tokio::main]
async fn main() -> Result<(), BoxDynError> {
    tracing_subscriber::fmt().init();
    let postgres = EmbeddedPostgres::start().await?;
    let queue = prepare(postgres.url()).await?;
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    tracing::info!("listening on http://{}", listener.local_addr()?);
    let stop = CancellationToken::new();
    let (served, ()) = tokio::join!(serve(listener, queue, stop.clone()), async {
        simple_queue::shutdown_signal().await;
        stop.cancel();
    });
    served?;
    postgres.stop().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{net::SocketAddr, time::Duration};

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
    };

    use super::*;

    /// Returns the whole response, head and body.
    async fn ask(address: SocketAddr, method: &str, path: &str, body: &str) -> String {
        let mut connection = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn a_request_enqueues_and_the_service_stops_when_its_work_is_done() {
        let postgres = EmbeddedPostgres::start().await.unwrap();
        let queue = prepare(postgres.url()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let serving = tokio::spawn(serve(listener, queue.clone(), stop.clone()));

        let ready = test_support::eventually("it is ready", async || {
            ask(address, "GET", "/health/ready", "").await.starts_with("HTTP/1.1 200")
        });
        ready.await;
        assert!(ask(address, "GET", "/health/live", "").await.starts_with("HTTP/1.1 200"));
        let created = ask(address, "POST", "/users", r#"{"name": "Ada"}"#).await;
        assert!(created.starts_with("HTTP/1.1 201"), "{created}");
        let (_, job_id) = created.split_once(r#""job_id":""#).unwrap();
        let job_id = job_id.split('"').next().unwrap().parse().unwrap();
        queue.wait(job_id, Duration::from_secs(30)).await.unwrap();

        stop.cancel();
        serving.await.unwrap().unwrap();
        assert!(!queue.health().await.is_ready);
        postgres.stop().await.unwrap();
    }
}
