//! The dashboard as a process of its own.

mod door;

use std::{
    future::{IntoFuture, ready},
    net::SocketAddr,
    sync::Arc,
};

use anyhow::{Context, Result};
use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use simple_queue::Rights;
use simple_queue_dashboard::{Admit, Dashboard};
use tokio::net::TcpListener;

use crate::{
    args::{Connection, Serve},
    context::Target,
    exit::Exit,
    output::{HINT, shown},
};
use door::Door;

/// The names of this machine for itself.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

pub(super) async fn run(connection: &Connection, asked: Serve) -> Result<Exit> {
    let target = connection.target()?;
    let door = Arc::new(Door::of(&asked, || connection.actor_name())?);
    let queue = connection.queue().await?;
    let dashboard = dashboard(Dashboard::new(queue), &target, &asked, &door);
    let listener = TcpListener::bind(asked.listen)
        .await
        .with_context(|| format!("cannot listen on {}", asked.listen))?;
    let address = listener.local_addr()?;
    let app = Router::new()
        .fallback_service(dashboard)
        .layer(from_fn_with_state(Arc::clone(&door), at_the_door))
        .into_make_service_with_connect_info::<SocketAddr>();
    // Listens for signals before the address is printed.
    let mut stop = Box::pin(simple_queue::shutdown_signal());
    tokio::select! {
        biased;
        () = &mut stop => return Ok(Exit::Done),
        () = ready(()) => {}
    }
    anstream::eprintln!("the dashboard of {}; Ctrl-C ends it", target.words());
    anstream::println!("{HINT}{}{HINT:#}", door.address(address));
    let served = axum::serve(listener, app).with_graceful_shutdown(stop);
    served.into_future().await?;
    anstream::eprintln!("stopped");
    Ok(Exit::Done)
}

fn dashboard(dashboard: Dashboard, target: &Target, asked: &Serve, door: &Arc<Door>) -> Dashboard {
    let own = (!asked.listen.ip().is_unspecified()).then(|| match asked.listen {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    });
    let hosts = LOOPBACK.map(str::to_owned).into_iter().chain(own).chain(asked.hosts.clone());
    let door = Arc::clone(door);
    let mut dashboard = dashboard.hosts(hosts).gate(move |parts| {
        let admit = match door.visitor(&parts.headers, &parts.extensions) {
            Some(name) => Admit::visitor(name, Rights::ALL),
            None => Admit::refused(),
        };
        async { admit }
    });
    if asked.read_only {
        dashboard = dashboard.read_only();
    }
    if let Some(name) = asked.name.as_ref().or(target.context.as_ref()) {
        dashboard = dashboard.name(shown(name));
    }
    match target.colour {
        Some(colour) => dashboard.colour(colour.in_a_page()),
        None => dashboard,
    }
}

/// Makes a cookie of the key, and asks for a password where one is needed.
async fn at_the_door(State(door): State<Arc<Door>>, request: Request, next: Next) -> Response {
    if let Some(cookie) = door.cookie_for(request.uri().query().unwrap_or_default()) {
        let headers = [(header::SET_COOKIE, cookie), (header::LOCATION, "/jobs".to_owned())];
        return (StatusCode::SEE_OTHER, headers).into_response();
    }
    let is_known = door.visitor(request.headers(), request.extensions()).is_some();
    let mut response = next.run(request).await;
    if !is_known && door.asks_for_password() && response.status() == StatusCode::FORBIDDEN {
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        let asks = HeaderValue::from_static("Basic realm=\"simple-queue\", charset=\"UTF-8\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, asks);
    }
    response
}
