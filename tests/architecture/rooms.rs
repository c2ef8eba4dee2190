//! Which room of the library may use which, and that no modules use each other in a circle.

use crate::imports::{Crate, Place, circles};

/// What each room of the library may import from, in the order of ARCHITECTURE.md: no room uses one that stands
/// below it. A room may use its own modules, and what holds it.
const ROOMS: &[(&str, &[&str])] = &[
    ("guide", &[]),
    ("jitter", &[]),
    ("retry_pause", &["jitter"]),
    ("upkeep/role", &["jitter", "retry_pause"]),
    ("job", &[]),
    ("telemetry", &["job"]),
    ("database", &["retry_pause", "telemetry"]),
    ("error", &["database", "job"]),
    ("filter", &["job"]),
    ("stats", &[]),
    ("outcome", &["database/failure", "error", "jitter", "job", "stats"]),
    ("row", &["error", "job"]),
    ("schedule", &["error", "job"]),
    (
        "store",
        &[
            "database",
            "error",
            "job",
            "outcome",
            "retry_pause",
            "row",
            "schedule",
            "stats",
            "telemetry",
        ],
    ),
    (
        "enqueue",
        &[
            "database",
            "error",
            "jitter",
            "job",
            "retry_pause",
            "row",
            "store",
            "telemetry",
            "upkeep/role",
        ],
    ),
    (
        "finalize",
        &["database", "job", "outcome", "retry_pause", "row", "stats", "store", "telemetry"],
    ),
    (
        "upkeep",
        &["database", "filter", "jitter", "job", "retry_pause", "stats", "store", "telemetry"],
    ),
    (
        "queue",
        &[
            "database",
            "enqueue",
            "error",
            "filter",
            "finalize",
            "job",
            "outcome",
            "retry_pause",
            "row",
            "schedule",
            "stats",
            "store",
            "telemetry",
        ],
    ),
    (
        "admin",
        &[
            "database",
            "enqueue",
            "error",
            "filter",
            "job",
            "queue",
            "row",
            "stats",
            "store",
            "telemetry",
            "upkeep",
        ],
    ),
    ("admission", &["queue", "store"]),
    (
        "worker/run",
        &[
            "database",
            "finalize",
            "jitter",
            "job",
            "outcome",
            "queue",
            "row",
            "stats",
            "store",
            "telemetry",
        ],
    ),
    (
        "worker/fetch",
        &[
            "admission",
            "database",
            "finalize",
            "jitter",
            "queue",
            "retry_pause",
            "stats",
            "store",
            "telemetry",
            "upkeep",
            "worker/run",
        ],
    ),
    ("worker/heartbeat", &["database", "jitter", "retry_pause", "store", "telemetry", "upkeep"]),
    (
        "worker",
        &[
            "admission",
            "database",
            "error",
            "finalize",
            "jitter",
            "queue",
            "retry_pause",
            "schedule",
            "stats",
            "store",
            "telemetry",
            "upkeep",
        ],
    ),
    ("begin", &["error", "queue", "worker"]),
    ("job_schema", &["job", "queue"]),
    (
        "testing",
        &[
            "enqueue",
            "error",
            "finalize",
            "job",
            "outcome",
            "queue",
            "row",
            "schedule",
            "store",
            "telemetry",
            "worker",
        ],
    ),
    ("private", &["enqueue", "job", "job_schema", "outcome", "queue"]),
    ("prelude", &[]),
];

/// Whether a place is a room, or in it.
fn is_in(place: &Place, room: &str) -> bool {
    let mut place = place.iter();
    room.split('/').all(|part| place.next().is_some_and(|at| at == part))
}

fn room_of(place: &Place) -> Option<&'static (&'static str, &'static [&'static str])> {
    ROOMS.iter().find(|(room, _)| is_in(place, room))
}

#[test]
fn every_room_imports_only_from_the_rooms_it_may_know() {
    let library = Crate::read("simple-queue/src");
    for (place, file) in library.places().filter(|(place, _)| !place.is_empty()) {
        assert!(
            room_of(place).is_some(),
            "{} is in no room; move it into one, or give it a line in ROOMS and in ARCHITECTURE.md",
            file.display()
        );
    }
    for import in library.imports() {
        let Some((room, allowed)) = room_of(&import.from) else { continue };
        let is_allowed = is_in(&import.to, room)
            || import.from.starts_with(&import.to) && !import.to.is_empty()
            || allowed.iter().any(|allowed| is_in(&import.to, allowed));
        assert!(
            is_allowed,
            "{}: `{room}` uses `{}` by `{}`, and may use only {allowed:?}; take what is needed as an argument or \
            through a trait of your own, as `finalize::RunObserver` is, or move it into a room that both may use",
            import.at,
            import.to.join("/"),
            import.path
        );
    }
}

#[test]
fn the_rooms_are_listed_from_below_upwards() {
    for (at, (room, allowed)) in ROOMS.iter().enumerate() {
        for other in *allowed {
            let whole = other.split('/').next().unwrap_or_default();
            assert!(
                ROOMS[..at].iter().any(|(before, _)| before == other || *before == whole),
                "`{room}` may use `{other}`, which is not above it in ROOMS; one of the two must not use the other"
            );
        }
    }
}

#[test]
fn no_modules_use_each_other_in_a_circle() {
    for directory in [
        "simple-queue/src",
        "simple-queue-dashboard/src",
        "simple-queue-macros/src",
        "simple-queue-embedded/src",
        "benches/src",
    ] {
        let circles = circles(&Crate::read(directory).imports());
        assert!(
            circles.is_empty(),
            "{directory}: modules use each other in a circle; move what closes it into a module that all of them may \
            use, or make one a folder and the other a part of it:\n{}",
            circles.join("\n\n")
        );
    }
}
