//! Values that the library never writes, and raw SQL may.

/// 100 MB, a hundred times what the library takes.
const HUGE: &str = "to_jsonb(repeat('x', 100000000))";

/// Values of a job that the library never writes.
pub(super) const OF_JOBS: [(&str, &str); 41] = [
    ("lease", "9223372036854775807"),
    ("lease", "-9223372036854775808"),
    ("created_at", "'infinity'"),
    ("created_at", "'-infinity'"),
    ("created_at", "'294276-12-31'"),
    ("updated_at", "'infinity'"),
    ("updated_at", "'4714-11-24 BC'"),
    ("run_at", "'4713-01-01 BC'"),
    ("scheduled_at", "'infinity'"),
    ("scheduled_at", "'-infinity'"),
    ("expires_at", "'infinity'"),
    ("expires_at", "'-infinity'"),
    ("cancel_requested_at", "'infinity'"),
    ("attempt", "2147483647"),
    ("attempt", "-2147483648"),
    ("max_attempts", "2147483647"),
    ("max_attempts", "-2147483648"),
    ("max_attempts", "0"),
    ("reprocess_count", "2147483647"),
    ("reprocess_count", "-2147483648"),
    ("crash_count", "2147483647"),
    ("crash_count", "-2147483648"),
    ("version", "2147483647"),
    ("version", "-2147483648"),
    ("priority", "-32768"),
    ("timeout", "'178000000 years'"),
    ("timeout", "'-178000000 years'"),
    ("timeout", "'1 microsecond'"),
    ("retain", "'293000 years'"),
    ("retain", "'-293000 years'"),
    // Version 17 and later have infinite intervals.
    (
        "retain",
        "(case when current_setting('server_version_num')::int >= 170000 then 'infinity' else '0' end)::interval",
    ),
    ("kind", "repeat('k', 100000000)"),
    ("job_data", HUGE),
    ("job_data", "'null'"),
    ("job_data", "repeat('[', 5000)::text::jsonb || repeat(']', 5000)::jsonb"),
    ("tags", "array[null, repeat('t', 1000000)]"),
    ("errors", "'\"no list\"'"),
    ("errors", "'{\"no\": \"list\"}'"),
    ("metadata", "'[1, 2, 3]'"),
    ("fingerprint", "repeat('f', 2000)"),
    ("cost", "-2147483648"),
];

/// Values of a process that the library never writes.
pub(super) const OF_PROCESSES: [(&str, &str); 10] = [
    ("heartbeat_at", "'-infinity'"),
    ("heartbeat_at", "'infinity'"),
    ("heartbeat_at", "'294276-12-31'"),
    ("heartbeat_interval", "'178000000 years'"),
    ("heartbeat_interval", "'-178000000 years'"),
    ("started_at", "'-infinity'"),
    ("queues", "array[null]::text[]"),
    // Version 17 and later have infinite intervals.
    (
        "heartbeat_interval",
        "(case when current_setting('server_version_num')::int >= 170000 then 'infinity' else '1 year' end)::interval",
    ),
    ("long_running", "array_fill(gen_random_uuid(), array[100000])"),
    ("host", "'hostile' || repeat('h', 1000000)"),
];

/// Columns, each with the type whose values it can hold.
pub(super) const COLUMNS: [(&str, &str); 22] = [
    ("lease", "bigint"),
    ("run_at", "finite"),
    ("scheduled_at", "time"),
    ("expires_at", "time"),
    ("cancel_requested_at", "time"),
    ("created_at", "time"),
    ("updated_at", "time"),
    ("attempt", "integer"),
    ("max_attempts", "integer"),
    ("reprocess_count", "integer"),
    ("crash_count", "integer"),
    ("version", "integer"),
    ("priority", "smallint"),
    ("cost", "integer"),
    ("kind", "text"),
    ("job_data", "jsonb"),
    ("timeout", "interval"),
    ("retain", "interval"),
    ("fingerprint", "text"),
    ("tags", "tags"),
    ("errors", "jsonb"),
    ("metadata", "jsonb"),
];

/// SQL for a random value of a type, extremes included.
pub(super) fn random(of: &str) -> &'static str {
    match of {
        "bigint" => {
            "(array[9223372036854775807, -9223372036854775808, 0, (random() * 1e18)::bigint])[1 + floor(random() * 4)::int]"
        }
        "integer" => {
            "(array[2147483647, -2147483648, 0, -1, (random() * 1e9)::int])[1 + floor(random() * 5)::int]"
        }
        "smallint" => "(random() * 65535 - 32768)::int::smallint",
        "time" => {
            "(array['infinity', '-infinity', '294276-12-31', '4714-11-24 BC', (now() + (random() - 0.5) * interval '400 years')::text])[1 + floor(random() * 5)::int]::timestamptz"
        }
        "finite" => {
            "(array['4714-11-24 BC', '0001-01-01', now()::text, (now() - random() * interval '400 years')::text])[1 + floor(random() * 4)::int]::timestamptz"
        }
        "interval" => {
            "(array['178000000 years', '-178000000 years', '0', '1 microsecond', '-1 day', (random() * interval '9 years')::text])[1 + floor(random() * 6)::int]::interval"
        }
        "text" => {
            "(array['', ' ', repeat('x', 2000), chr(1) || chr(65535), md5(random()::text)])[1 + floor(random() * 5)::int]"
        }
        "tags" => {
            "(array['{}', '{null}', '{{a,b},{c,d}}', '{\"\"}'])[1 + floor(random() * 4)::int]::text[]"
        }
        _ => {
            "(array['null', '[]', '{}', '\"x\"', '1e400', '[[[[]]]]', '{\"\": null}', '[{\"attempt\": \"x\"}]'])[1 + floor(random() * 8)::int]::jsonb"
        }
    }
}
