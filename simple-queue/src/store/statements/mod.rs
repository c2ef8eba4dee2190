//! The statements in the form that is sent: with the schema's name, and parameters bound by name.

mod assemble;
mod bind;
#[cfg(test)]
mod tests;

pub(super) use bind::Bound;

use std::sync::Arc;

use crate::database::{Pooled, Schema};
use assemble::{Text, assemble};

/// One statement. It is made once for a schema, so that its text, by which a connection finds its prepared statement,
/// is always the same.
#[derive(Debug)]
pub(super) struct Statement {
    name: &'static str,
    text: Arc<str>,
    /// In the order of their numbers.
    parameters: Box<[String]>,
    pooled: Pooled,
}

impl Statement {
    /// The only dynamic part is the schema's name. [`Schema::new`] refuses names with quotes.
    pub(super) fn new(name: &'static str, file: &str, schema: &Schema, pooled: Pooled) -> Self {
        #[cfg(feature = "testing")]
        let Text { sql, parameters } = assembled_once(name, file);
        #[cfg(not(feature = "testing"))]
        let Text { sql, parameters } = assemble(file);
        let text = schema.write_into(&sql).into();
        Self { name, text, parameters: parameters.into(), pooled }
    }

    /// Ready to be sent when all its parameters are bound.
    pub(super) fn query(&self) -> Bound<'_> {
        Bound::new(self)
    }

    /// Whether the session keeps its prepared statement, under a name.
    fn is_named(&self) -> bool {
        !self.pooled.get()
    }
}

/// Puts a statement together once for the process. Every test makes a queue, in a build without optimizations.
#[cfg(feature = "testing")]
fn assembled_once(name: &'static str, file: &str) -> Text {
    use std::{collections::HashMap, sync::LazyLock};

    use parking_lot::Mutex;

    static TEXTS: LazyLock<Mutex<HashMap<&'static str, Text>>> = LazyLock::new(Mutex::default);
    TEXTS.lock().entry(name).or_insert_with(|| assemble(file)).clone()
}

macro_rules! statements {
    ($($(#[$condition:meta])? $name:ident),* $(,)?) => {
        /// Every statement in `sql/`, under its file's name.
        #[derive(Debug)]
        pub(super) struct Statements {
            $($(#[$condition])? pub(super) $name: Statement,)*
        }

        impl Statements {
            pub(super) fn new(schema: &Schema, pooled: &Pooled) -> Self {
                Self {
                    $($(#[$condition])? $name: Statement::new(
                        stringify!($name),
                        include_str!(concat!("../sql/", stringify!($name), ".sql")),
                        schema,
                        pooled.clone(),
                    ),)*
                }
            }
        }
    };
}

statements! {
    add_stats,
    advance_act,
    archive_jobs,
    archive_jobs_of_keys,
    #[cfg(feature = "cron")]
    backfill_schedule,
    balance_quotas,
    #[cfg(feature = "testing")]
    bring_gates_nearer,
    #[cfg(feature = "testing")]
    bring_jobs_nearer,
    #[cfg(feature = "testing")]
    bring_keys_nearer,
    #[cfg(feature = "testing")]
    bring_limits_nearer,
    #[cfg(feature = "testing")]
    bring_turns_nearer,
    cancel_jobs,
    #[cfg(feature = "cron")]
    change_schedule,
    charge_gate,
    charge_rate,
    claim_act,
    claim_overtaken_jobs,
    claim_suspect,
    claim_upkeep,
    copy_archived_job,
    count_due,
    #[cfg(feature = "testing")]
    count_kinds,
    count_orphans,
    dead_letter_jobs,
    declare_key_limits,
    declare_kinds,
    declare_limits,
    delete_dead_letters,
    delete_dead_workers,
    #[cfg(feature = "janitor")]
    delete_expired,
    delete_jobs,
    #[cfg(feature = "janitor")]
    delete_old_acts,
    delete_idle_gates,
    #[cfg(feature = "janitor")]
    delete_old_archive,
    delete_old_stats,
    #[cfg(feature = "janitor")]
    drop_archive_day,
    edit_job,
    describe_schema,
    drop_sequences,
    end_pauses,
    enqueue_many,
    ensure_archive_partitions,
    fetch_jobs,
    fetch_jobs_by_age,
    #[cfg(feature = "janitor")]
    find_forgotten_act,
    find_due_of_keys,
    find_holder_of_dead_key,
    find_holder_of_key,
    find_jobs_anywhere,
    find_jobs_by_fingerprint,
    find_jobs_by_unique_key,
    find_kept_key,
    find_lane,
    find_live_job,
    find_overtaken_jobs,
    find_suspect,
    find_used_id,
    group_errors,
    hand_over,
    hand_over_in_order,
    heartbeat,
    heartbeat_alone,
    hold_gate,
    hold_rates,
    insert_act,
    insert_alike_jobs,
    insert_jobs,
    insert_jobs_of_keys,
    limit_idle_transaction,
    limit_lock_wait,
    list_acts,
    list_acts_on_job,
    #[cfg(feature = "testing")]
    list_enqueued,
    #[cfg(feature = "testing")]
    list_ids,
    list_kinds,
    list_limit_keys,
    list_limits,
    #[cfg(feature = "janitor")]
    list_old_days,
    list_orphans,
    list_pauses,
    list_queue_states,
    list_queues,
    list_running,
    #[cfg(feature = "cron")]
    list_schedules,
    #[cfg(feature = "cron")]
    list_undeclared_schedules,
    list_unhandled_kinds,
    list_unhandled_queues,
    #[cfg(feature = "testing")]
    list_unknown_jobs,
    list_workers,
    lock_dead_letters,
    lock_dead_workers,
    lock_job,
    lock_jobs,
    look_at_clock,
    look_at_connections,
    look_at_dead_letters,
    look_at_ends,
    look_at_indexes,
    look_at_jobs_table,
    look_at_notifications,
    look_at_partitions,
    look_at_runs,
    look_at_server,
    look_at_settings,
    look_at_upkeep,
    look_for_due,
    look_for_turns,
    #[cfg(feature = "testing")]
    look_for_unfinished,
    look_for_horizon,
    look_through_archive,
    look_through_dead_letters,
    look_through_ended,
    look_through_jobs,
    look_through_keys,
    look_through_lane,
    look_through_suspects,
    mark_idle,
    mark_suspect,
    match_archived,
    match_dead_letters,
    match_jobs,
    move_jobs,
    notify,
    pause_limit,
    pause_kind,
    pause_queue,
    #[cfg(feature = "cron")]
    pause_schedule,
    pick_archived,
    pick_dead_letters,
    pick_jobs,
    #[cfg(feature = "janitor")]
    put_off_act,
    #[cfg(feature = "cron")]
    put_schedules,
    read_act,
    read_circumstances,
    #[cfg(feature = "cron")]
    read_clock,
    read_contents_of_archived,
    read_contents_of_dead_letters,
    read_contents_of_jobs,
    #[cfg(feature = "cron")]
    read_due_schedules,
    read_end,
    read_for_edit,
    read_leases,
    read_metadata,
    read_payload,
    read_readiness,
    read_right_to_insert,
    read_rights,
    read_stats,
    #[cfg(feature = "cron")]
    read_tick,
    #[cfg(feature = "cron")]
    read_waiting_ticks,
    redrive_dead_letters,
    register_worker,
    release_key,
    #[cfg(feature = "cron")]
    release_ticks,
    #[cfg(feature = "cron")]
    remove_schedule,
    #[cfg(feature = "cron")]
    rename_schedules,
    replace_jobs,
    reschedule_jobs,
    reset_limit,
    restart_act,
    resume_kind,
    resume_queue,
    retire_worker,
    retry_jobs,
    return_jobs,
    return_listed_jobs,
    roll_up_stats,
    #[cfg(feature = "cron")]
    run_schedule,
    sample_depth,
    set_aside_job,
    set_limit,
    set_limit_of_key,
    set_rate,
    skip_in_sequence,
    stop_act,
    take_tokens,
    tell_long_running,
    tell_runs,
    #[cfg(feature = "cron")]
    tick_schedules,
    #[cfg(feature = "cron")]
    touch_schedules,
    try_jobs_of_keys,
    unmark_idle,
    visit_gates,
    visit_keys,
    visit_rated_gates,
    visit_sequences,
    walk_dead_letters,
    walk_jobs,
    write_owed_turns,
}
