//! Checks settings: which are out of range, and which contradict each other.

use std::{collections::BTreeSet, time::Duration};

use sqlx::postgres::PgConnectOptions;
use tokio::runtime::Handle;

use super::{Place, SimpleQueueBuilder};
use crate::{
    job::problem_of_queue_name,
    queue::{
        config::{INTERVALS, MOST_PERMITS},
        database::STATEMENT_TIMEOUTS,
    },
};

/// Returns one sentence for each problem. It names the settings, their values and the fix.
pub(super) fn problems(
    builder: &SimpleQueueBuilder,
    of_url: Option<&[PgConnectOptions]>,
    direct: Option<&[PgConnectOptions]>,
) -> Vec<String> {
    let mut problems = Vec::new();
    problems.extend(of_permits(builder));
    problems.extend(of_queue_names(builder));
    problems.extend(of_times(builder));
    problems.extend(of_servers(builder, of_url, direct));
    problems
}

fn of_permits(builder: &SimpleQueueBuilder) -> Vec<String> {
    let config = &builder.config;
    let mut named: Vec<(String, usize, bool)> = config
        .queue_permits
        .iter()
        .map(|(queue, &permits)| (format!("queue_permits({queue:?})"), permits, true))
        .collect();
    // Sorted by name, because a `HashMap` has no stable order.
    named.sort();
    let default = config.default_queue_permits;
    named.insert(0, ("default_queue_permits".to_owned(), default, builder.is_default_permits_set));
    let all = config.global_permits;
    let mut problems: Vec<String> = Vec::new();
    problems.extend(out_of_range("permits", all));
    let mut limits: Vec<_> = config.queue_limits.iter().collect();
    limits.sort_unstable_by_key(|(queue, _)| *queue);
    problems.extend(limits.into_iter().filter_map(|(queue, limit)| {
        out_of_range(&format!("queue_limit({queue:?})"), limit.most?)
    }));
    let mut weights: Vec<_> = config.queue_weights.iter().collect();
    weights.sort_unstable();
    problems.extend(weights.into_iter().filter_map(|(queue, &weight)| {
        let setting = format!("queue_weight({queue:?})");
        out_of_range(&setting, usize::try_from(weight).unwrap_or(usize::MAX))
    }));
    for (setting, permits, is_set) in named {
        match out_of_range(&setting, permits) {
            Some(problem) => problems.push(problem),
            None if is_set && all > 0 && permits > all => problems.push(format!(
                "`{setting}` is {permits}, and `permits`, for all queues together, is {all}: raise `permits` to \
                 {permits}, or lower `{setting}` to {all}"
            )),
            None => {}
        }
    }
    problems
}

fn out_of_range(setting: &str, permits: usize) -> Option<String> {
    match permits {
        0 => Some(format!(
            "`{setting}` is 0, so none of its jobs would ever run: give it at least 1, or stop a queue with \
             `SimpleQueue::pause`"
        )),
        1..=MOST_PERMITS => None,
        _ => Some(format!("`{setting}` is {permits}: the limit is {MOST_PERMITS}")),
    }
}

fn of_queue_names(builder: &SimpleQueueBuilder) -> Vec<String> {
    let config = &builder.config;
    let permits = config.queue_permits.keys().map(|queue| ("queue_permits", queue));
    let limits = config.queue_limits.iter().map(|(queue, limit)| {
        (if limit.most.is_some() { "queue_limit" } else { "queue_rate" }, queue)
    });
    let weights = config.queue_weights.keys().map(|queue| ("queue_weight", queue));
    let ages = config.priority_ages.keys().map(|queue| ("priority_aging", queue));
    let strategies = config.queue_strategies.keys().map(|queue| ("queue_strategy", queue));
    let backoffs = config.queue_backoffs.keys().map(|queue| ("queue_backoff", queue));
    let named: BTreeSet<_> = permits
        .chain(limits)
        .chain(weights)
        .chain(ages)
        .chain(strategies)
        .chain(backoffs)
        .collect();
    let refused = |(setting, queue): (&str, &String)| {
        let problem = problem_of_queue_name(queue)?;
        Some(format!("`{setting}` is set for `{}`: {problem}", queue.escape_debug()))
    };
    named.into_iter().filter_map(refused).collect()
}

fn of_times(builder: &SimpleQueueBuilder) -> Vec<String> {
    let config = &builder.config;
    let mut times = vec![
        ("statement_timeout".to_owned(), builder.statement_timeout, STATEMENT_TIMEOUTS),
        ("heartbeat_interval".to_owned(), config.heartbeat_interval, INTERVALS),
        ("poll_interval".to_owned(), config.empty_poll_sleep, INTERVALS),
        ("permit_timeout".to_owned(), config.permit_patience, INTERVALS),
        #[cfg(feature = "janitor")]
        ("janitor_interval".to_owned(), config.janitor_interval, INTERVALS),
    ];
    let mut ages: Vec<_> = config.priority_ages.iter().collect();
    ages.sort_unstable_by_key(|(queue, _)| *queue);
    times.extend(ages.into_iter().map(|(queue, &age)| {
        (format!("priority_aging({queue:?})"), Duration::from_secs_f64(age), INTERVALS)
    }));
    times
        .into_iter()
        .filter(|(_, time, (shortest, longest))| time < shortest || time > longest)
        .map(|(setting, time, (shortest, longest))| {
            format!("`{setting}` is {time:?}: it must be from {shortest:?} to {longest:?}")
        })
        .collect()
}

fn of_servers(
    builder: &SimpleQueueBuilder,
    of_url: Option<&[PgConnectOptions]>,
    direct: Option<&[PgConnectOptions]>,
) -> Vec<String> {
    let mut problems = Vec::new();
    if of_url.is_some() && Handle::try_current().is_err() {
        let problem = "a URL was given, and its pool needs a tokio runtime: call `build` within one, or give a pool";
        problems.push(problem.to_owned());
    }
    let in_url = of_url.map_or(1, <[_]>::len);
    let listed = builder.servers.as_ref().map(Vec::len);
    if listed == Some(0) {
        problems
            .push("`servers` names no server: leave it out if the database never moves".to_owned());
    }
    if let Some(listed) = listed.filter(|_| in_url > 1) {
        problems.push(format!(
            "the URL names {in_url} servers, and `servers` {listed}: name them in one of the two"
        ));
    }
    let Some(direct) = direct else { return problems };
    let [direct] = direct else {
        let several = direct.len();
        problems.push(format!(
            "`direct_url` names {several} servers: it is the way past a pooler, to one server"
        ));
        return problems;
    };
    let (setting, followed) = match listed {
        Some(listed) => ("`servers`", listed),
        None => ("the URL", in_url),
    };
    if followed > 1 {
        problems.push(format!(
            "{setting} names {followed} servers, of which the queue follows the one that is writable, and \
             `direct_url` one that it would not follow: use one of the two"
        ));
    }
    let pool = match &builder.database.0 {
        Place::Pool(pool) => Some((*pool.connect_options()).clone()),
        Place::Url(_) => of_url.and_then(<[_]>::first).cloned(),
    };
    if pool.is_some_and(|pool| place(&pool) == place(direct)) {
        problems.push(format!(
            "`direct_url` and the pool both lead to `{}`, so there is no pooler to go past: leave `direct_url` out, or \
             give it the server's own address",
            place(direct)
        ));
    }
    problems
}

/// The server and database that these options lead to, without a user and a password.
fn place(options: &PgConnectOptions) -> String {
    let host = options
        .get_socket()
        .map_or_else(|| options.get_host().to_owned(), |socket| socket.display().to_string());
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    format!("{host}:{}/{database}", options.get_port())
}
