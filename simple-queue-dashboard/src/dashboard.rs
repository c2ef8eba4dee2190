//! The dashboard as a service.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::{Request, Response, request::Parts};
use simple_queue::SimpleQueue;
use tower_service::Service;

use crate::{
    gate::{Admit, Gate},
    service::Server,
    settings::{Settings, prefix_of},
    wire::Body,
};

/// The web dashboard of a queue, a [`Service`] that nests in any router. It is closed until
/// [`gate`](Dashboard::gate) or [`open`](Dashboard::open) says who may see it.
///
/// ```
/// use simple_queue::{Right, Rights, SimpleQueue};
/// use simple_queue_dashboard::{Admit, Dashboard};
///
/// # struct User { email: String, is_admin: bool }
/// # async fn user_of(_: &http::request::Parts) -> Option<User> { None }
/// # fn example(queue: SimpleQueue) -> axum::Router {
/// let dashboard = Dashboard::new(queue)
///     .at("/admin/queue") // where it is mounted
///     .gate(async |request| match user_of(&request).await {
///         Some(user) if user.is_admin => Admit::visitor(user.email, Rights::ALL),
///         Some(user) => Admit::visitor(user.email, Rights::READ_ONLY.and(Right::Retry)),
///         None => Admit::login("/login"),
///     })
///     .name("production")
///     .colour("#b42318");
/// axum::Router::new().nest_service("/admin/queue", dashboard)
/// # }
/// ```
///
/// It answers on the runtime of the router, with the connections of the queue, and does nothing
/// without viewers. A clone is cheap, and shares what it has read.
#[derive(Debug, Clone)]
#[must_use = "a dashboard is a service: mount it"]
pub struct Dashboard {
    queue: SimpleQueue,
    settings: Settings,
    gate: Gate,
    hides: Option<Hides>,
    /// Made by the first request, or by the first clone.
    server: Arc<std::sync::OnceLock<Arc<Server>>>,
}

/// Which arguments are hidden, of a kind.
#[derive(Clone)]
struct Hides(Arc<Asking>);

type Asking = dyn Fn(&str, &str) -> bool + Send + Sync;

impl std::fmt::Debug for Hides {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hides")
    }
}

impl Dashboard {
    /// Creates the dashboard of a queue, closed.
    pub fn new(queue: SimpleQueue) -> Self {
        Self {
            queue,
            settings: Settings::default(),
            gate: Gate::Closed,
            hides: None,
            server: Arc::default(),
        }
    }

    /// Sets the path where it is mounted, with which every link begins; `/` unless this says
    /// otherwise.
    pub fn at(self, path: &str) -> Self {
        let prefix = prefix_of(path);
        self.set(|settings| Settings { prefix, ..settings })
    }

    /// Sets who may see it, and do what: the function gets the head of each request, and what
    /// layers before it have added there.
    pub fn gate<F>(self, gate: impl Fn(Parts) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Admit> + Send + 'static,
    {
        Self { gate: Gate::of(gate), server: Arc::default(), ..self }
    }

    /// Lets every visitor see it and do everything, in the name `dashboard`: where something before it
    /// asks who they are, and on a machine of one's own.
    pub fn open(self) -> Self {
        Self { gate: Gate::Open, server: Arc::default(), ..self }
    }

    /// Takes all acts away, whatever the gate says.
    pub fn read_only(self) -> Self {
        self.set(|settings| Settings { is_read_only: true, ..settings })
    }

    /// Sets the names of hosts by which it may be asked; without this, by any. A request for another
    /// one is answered with 421.
    ///
    /// It keeps pages of other sites out whose names lead to an address that only you can reach, so
    /// set it where there is no login.
    pub fn hosts(self, hosts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let hosts = Some(hosts.into_iter().map(Into::into).collect());
        self.set(|settings| Settings { hosts, ..settings })
    }

    /// Sets the name of what is looked at, in the header and in the title: `production`.
    pub fn name(self, name: impl Into<String>) -> Self {
        let name = Some(name.into());
        self.set(|settings| Settings { name, ..settings })
    }

    /// Sets the colour of the mark in the header and of the icon: `#b42318`, or a word as `teal`.
    /// What is no colour is left out.
    pub fn colour(self, colour: &str) -> Self {
        let digits = colour.strip_prefix('#').unwrap_or(colour);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return self;
        }
        let colour = colour.to_owned();
        self.set(|settings| Settings { colour, ..settings })
    }

    /// Hides more arguments than those that are declared with `#[job(redact)]`: the function gets
    /// the kind and the name of an argument, and returns whether its value is hidden.
    pub fn redact(self, hides: impl Fn(&str, &str) -> bool + Send + Sync + 'static) -> Self {
        Self { hides: Some(Hides(Arc::new(hides))), server: Arc::default(), ..self }
    }

    /// Shows the arguments of jobs in lists too, to visitors who may see what jobs contain; they are
    /// shown on the page of a job only, unless this says otherwise.
    pub fn arguments_in_lists(self, shown: bool) -> Self {
        self.set(|settings| Settings { has_arguments_in_lists: shown, ..settings })
    }

    /// Sets how often pages are refreshed: 2 s unless this says otherwise, from 1 s; zero is never.
    /// Each visitor can choose otherwise.
    pub fn refresh(self, every: Duration) -> Self {
        let least = Duration::from_secs(1);
        let refresh = if every.is_zero() { every } else { std::cmp::max(every, least) };
        self.set(|settings| Settings { refresh, ..settings })
    }

    fn set(self, change: impl FnOnce(Settings) -> Settings) -> Self {
        Self { settings: change(self.settings), server: Arc::default(), ..self }
    }

    fn server(&self) -> Arc<Server> {
        let made = self.server.get_or_init(|| {
            let admin = self.queue.admin();
            let admin = match self.hides.clone() {
                Some(Hides(hides)) => admin.hiding(move |kind, argument| hides(kind, argument)),
                None => admin,
            };
            Server::new(self.queue.clone(), admin, self.settings.clone(), self.gate.clone())
        });
        Arc::clone(made)
    }
}

impl<B> Service<Request<B>> for Dashboard
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let server = self.server();
        Box::pin(async move { Ok(server.answer(request).await.into()) })
    }
}
