//! Arguments of the statements that run all the time.

/// Arguments of a statement, as SQL, by the names of its parameters.
pub(super) type Arguments<'a> = Vec<(&'static str, &'a str)>;

/// 1,000 values, the most that a statement gets: with so many the planner is tempted to read the whole table.
macro_rules! many {
    ($value:expr) => {
        concat!("array_fill(", $value, ", array[1000])")
    };
}

/// The id of a job, or of a process.
pub(super) const ID: &str = "'01a202c7-f117-7578-92ff-7b69cae0e360'";
const IDS: &str = "array['01a202c7-f117-7578-92ff-7b69cae0e360'::uuid]";
const MANY_IDS: &str = many!("'01a202c7-f117-7578-92ff-7b69cae0e360'::uuid");

const DEMAND: &str = r#"'[{"queue": "q1", "permits": 1000, "priorities": [1], "probe_after": -32769, "probes": 64, "shares": [
    {"permits": 1000, "kinds": null, "excluded": ["x"], "floors": [{
        "priority": 1, "run_at": "2026-01-01T00:00:00Z", "id": "01a202c7-f117-7578-92ff-7b69cae0e360"
    }]},
    {"permits": 5, "kinds": ["x"], "excluded": [], "floors": []}
]}]'"#;

/// The parameters that all statements share that end runs.
const LEASES: [(&str, &str); 3] =
    [("worker_id", ID), ("job_ids", MANY_IDS), ("leases", many!("1::bigint"))];

const WAKES: [(&str, &str); 2] = [("channel", "'channel'"), ("notify", "true")];

/// The statements that run all the time, each with arguments.
pub(super) fn hot_statements() -> Vec<(&'static str, Arguments<'static>)> {
    let mut hot = Vec::new();
    for include_touched in ["false", "true"] {
        let more = [
            ("results", many!("null::text")),
            ("keep", "true"),
            ("include_touched", include_touched),
        ];
        let done = [&LEASES[..], &more[..]].concat();
        let more = [("demand", DEMAND), ("limit", "1000"), ("margin", "'0.6 s'")];
        hot.push(("fetch_jobs", [&done[..], &more[..]].concat()));
        let more = [&more[..], &[("ages", r#"'{"q1": 60}'"#)]].concat();
        hot.push(("fetch_jobs_by_age", [&done[..], &more[..]].concat()));
        hot.push(("archive_jobs", done.clone()));
        hot.push(("archive_jobs_of_keys", [&done[..], &[("channel", "'channel'")]].concat()));
    }
    hot.extend(limits());
    hot.extend(looks());
    hot.extend(acts());
    hot.extend(hot_ends());
    hot.extend(hot_enqueues());
    let part = r#"'[{"part": 0, "queue": "q1", "priority": 1, "kinds": null, "excluded": [],
        "from_run_at": null, "from_id": null, "until_run_at": null, "until_id": null
    }]'"#;
    hot.extend([
        ("claim_overtaken_jobs", vec![("worker_id", ID), ("ids", MANY_IDS)]),
        ("find_overtaken_jobs", vec![("parts", part), ("limit", "1000"), ("margin", "'0.6 s'")]),
        (
            "claim_suspect",
            vec![("worker_id", ID), ("demand", DEMAND), ("only", "null"), ("except", MANY_IDS)],
        ),
        ("find_suspect", vec![("demand", DEMAND), ("except", MANY_IDS)]),
        (
            "return_listed_jobs",
            vec![
                ("ids", MANY_IDS),
                ("workers", MANY_IDS),
                ("suspect_id", "null"),
                ("crashed", "true"),
                ("max_crash_count", "5"),
                ("channel", "'channel'"),
            ],
        ),
        ("find_lane", vec![("queue", "'q1'"), ("low", "-32769"), ("high", "32768")]),
        (
            "heartbeat",
            vec![
                ("worker_id", ID),
                ("queues", "array['q1']"),
                ("running", MANY_IDS),
                ("permits", "10"),
            ],
        ),
        ("read_leases", vec![("worker_id", ID), ("job_ids", IDS), ("leases", "array[1]")]),
        ("cancel_jobs", vec![("ids", IDS), ("repeated", "true"), ("channel", "'channel'")]),
        ("redrive_dead_letters", vec![("ids", MANY_IDS), ("channel", "'channel'")]),
        ("find_jobs_by_unique_key", vec![("keys", "array['key1']")]),
        ("find_jobs_by_fingerprint", vec![("fingerprint", "'print1'")]),
        ("find_jobs_anywhere", vec![("ids", IDS)]),
        ("read_end", vec![("id", ID)]),
        ("find_live_job", vec![("key", "'key1'")]),
        ("find_kept_key", vec![("key", "'key1'")]),
        ("release_key", vec![("key", "'key1'")]),
        (
            "delete_expired",
            vec![("keep", "'90 days'"), ("limit", "1000"), ("channel", "'channel'")],
        ),
        ("find_holder_of_dead_key", vec![("id", ID)]),
    ]);
    hot
}

/// What operators look at.
fn looks() -> Vec<(&'static str, Arguments<'static>)> {
    const LAST: &str = "'ffffffff-ffff-ffff-ffff-ffffffffffff'";
    let look = |more: &[(&'static str, &'static str)]| {
        let common = [("filter", r#"'{"queues": ["q1"]}'"#), ("window", "5000"), ("limit", "50")];
        [&common[..], more].concat()
    };
    let of_ids = [("filter", r#"'{"ids": ["01a202c7-f117-7578-92ff-7b69cae0e360"]}'"#)];
    let pick = |more: &[(&'static str, &'static str)]| {
        [&of_ids[..], &[("window", "5000"), ("limit", "50"), ("top_id", LAST)], more].concat()
    };
    let place = [("priority", "1::smallint"), ("run_at", "now()"), ("from_id", ID)];
    let lane = [("queue", "'q1'"), ("due_after", "'-1 day'"), ("due_within", "'0 s'")];
    let keys = [("gate", "'key:q1/'"), ("until", "'key:q10'")];
    let contents = r#"'{"tags": ["a"], "args": [{"path": ["a"], "values": [1]}], "metadata": [], "error": "b"}'"#;
    let ends = ("finished_ats", many!("now()"));
    vec![
        ("look_through_jobs", look(&[("top_id", LAST)])),
        ("look_through_archive", look(&[("top_id", LAST)])),
        ("look_through_dead_letters", look(&[("top_id", LAST)])),
        ("look_through_ended", look(&[("top_id", LAST), ("finished_at", "null")])),
        ("look_through_lane", look(&[&place[..], &lane[..]].concat())),
        ("look_through_keys", look(&[&place[..], &keys[..]].concat())),
        ("look_through_suspects", look(&[("top_id", LAST)])),
        (
            "count_due",
            vec![("due_after", "'-4000 years'"), ("due_within", "'0'"), ("window", "10000")],
        ),
        ("walk_jobs", look(&[("from_id", ID)])),
        ("walk_dead_letters", look(&[("from_id", ID)])),
        ("pick_jobs", pick(&[])),
        ("pick_archived", pick(&[("since", "now()")])),
        ("pick_dead_letters", pick(&[])),
        ("match_jobs", vec![("ids", MANY_IDS), ("contents", contents)]),
        ("match_archived", vec![("ids", MANY_IDS), ends, ("contents", contents)]),
        ("match_dead_letters", vec![("ids", MANY_IDS), ("contents", contents)]),
        ("read_contents_of_jobs", vec![("ids", MANY_IDS), ("longest", "8192")]),
        ("read_contents_of_archived", vec![("ids", MANY_IDS), ends, ("longest", "8192")]),
        ("read_contents_of_dead_letters", vec![("ids", MANY_IDS), ("longest", "8192")]),
        ("read_circumstances", vec![("id", ID)]),
        ("find_holder_of_key", vec![("key", "'key1'")]),
        ("read_for_edit", vec![("id", ID)]),
    ]
}

/// What operators do.
fn acts() -> Vec<(&'static str, Arguments<'static>)> {
    let of_jobs = [("ids", MANY_IDS), ("channel", "'channel'")];
    let moved =
        [("queue", "'q2'"), ("priority", "1::smallint"), ("run_at", "null"), ("runs_now", "true")];
    let contents = [
        ("payload", "'{}'"),
        ("unique_key", "'key1'"),
        ("fingerprint", "null"),
        ("gate", "'key:q1/kind#7'"),
        ("cost", "null"),
        ("max_attempts", "null"),
        ("tags", "null"),
        ("id", ID),
        ("channel", "'channel'"),
    ];
    vec![
        ("lock_job", vec![("id", ID), ("lease", "1"), ("changed_at", "now()")]),
        (
            "lock_jobs",
            vec![
                ("ids", MANY_IDS),
                ("leases", many!("1::bigint")),
                ("changed_ats", many!("now()")),
            ],
        ),
        ("lock_dead_letters", vec![("ids", MANY_IDS), ("leases", many!("1::bigint"))]),
        ("move_jobs", [&of_jobs[..], &moved[..]].concat()),
        ("edit_job", contents.to_vec()),
        ("delete_jobs", of_jobs.to_vec()),
        ("delete_dead_letters", of_jobs.to_vec()),
        (
            "copy_archived_job",
            vec![("id", ID), ("new_id", ID), ("since", "now()"), ("channel", "'channel'")],
        ),
    ]
}

fn limits() -> [(&'static str, Arguments<'static>); 12] {
    let more = [
        ("results", many!("null::text")),
        ("keep", "true"),
        ("include_touched", "true"),
        ("rule", "'key:q1/kind'"),
        ("queue", "'q1'"),
        ("hands_over", "true"),
        ("permits", "1000"),
        ("after", "'key:q1/kind#7'"),
        ("channel", "'channel'"),
    ];
    let visit = [&LEASES[..], &more[..]].concat();
    let rated = |&argument: &(&'static str, &'static str)| match argument.0 {
        "hands_over" => ("needs", "0"),
        _ => argument,
    };
    let rated = visit.iter().map(rated).collect();
    let hand_over: Arguments<'static> =
        visit.iter().copied().filter(|(name, _)| *name != "after").collect();
    [
        ("look_for_due", vec![("demand", DEMAND), ("margin", "'0.6 s'")]),
        (
            "balance_quotas",
            vec![
                ("worker_id", ID),
                ("names", "array['kind:a']"),
                ("number", "1"),
                ("keeps", "array[1]"),
                ("wants", "array[5]"),
                ("channel", "'channel'"),
            ],
        ),
        ("visit_gates", visit.clone()),
        ("hand_over", hand_over.clone()),
        ("hand_over_in_order", hand_over),
        ("look_for_turns", vec![("rules", "array['key:q1/kind', 'key:q2/kind']")]),
        ("visit_rated_gates", rated),
        (
            "visit_keys",
            vec![
                ("worker_id", ID),
                ("rule", "'key:q1/kind'"),
                ("queue", "'q1'"),
                ("permits", "1000"),
                ("after", "'key:q1/kind#7'"),
                ("begun_key", "'key:q1/kind#8'"),
                ("begun", "1"),
                ("channel", "'channel'"),
            ],
        ),
        ("visit_sequences", visit),
        ("write_owed_turns", vec![("rule", "'key:q1/kind'"), ("channel", "'channel'")]),
        ("list_limit_keys", vec![("rule", "'key:q1/kind'"), ("gate", "null"), ("limit", "100")]),
        (
            "take_tokens",
            vec![
                ("names", "array['kind:a']"),
                ("wanted", "array[5]"),
                ("unused", "array[1]"),
                ("marks", "array[now()]"),
                ("needs", "array[0]"),
            ],
        ),
    ]
}

fn hot_ends() -> [(&'static str, Arguments<'static>); 2] {
    let retry = [
        ("delays", many!("interval '1 s'")),
        ("not_befores", many!("now()")),
        ("attempts_kept", many!("0")),
        ("reprocessed", many!("0")),
        ("errors", many!("'failed'::text")),
        ("waits_anew", many!("true")),
        ("survived", many!("0")),
        ("channel", "'channel'"),
    ];
    let letter = [
        ("statuses", many!("'failed'::text")),
        ("reasons", many!("'failed'::text")),
        ("attempts_kept", many!("0")),
        ("errors", many!("'failed'::text")),
        ("channel", "'channel'"),
    ];
    [
        ("retry_jobs", [&LEASES[..], &retry[..]].concat()),
        ("dead_letter_jobs", [&LEASES[..], &letter[..]].concat()),
    ]
}

fn hot_enqueues() -> [(&'static str, Arguments<'static>); 3] {
    let keys = [
        ("unique_keys", many!("'key1'::text")),
        ("run_ats", many!("now()")),
        ("delays", many!("null::interval")),
    ];
    let options = [
        ("ids", MANY_IDS),
        ("queues", many!("'q1'::text")),
        ("kinds", many!("'kind'::text")),
        ("priorities", many!("0::smallint")),
        ("payloads", many!("'{}'::text")),
        ("max_attempts", many!("0")),
        ("fingerprints", many!("'print1'::text")),
        ("expires_afters", many!("null::interval")),
        ("tags", many!("null::text")),
        ("versions", many!("0")),
        ("retains", many!("null::interval")),
        ("timeouts", many!("null::interval")),
        ("metadata", many!("null::text")),
        ("gates", many!("'key:q1/kind#7'::text")),
        ("costs", many!("1")),
    ];
    [
        ("replace_jobs", [&keys[..], &options[..], &WAKES[..]].concat()),
        ("reschedule_jobs", [&keys[..], &WAKES[..]].concat()),
        (
            "insert_jobs_of_keys",
            [&keys[..], &options[..], &WAKES[..], &[("first_lease", "0")]].concat(),
        ),
    ]
}
