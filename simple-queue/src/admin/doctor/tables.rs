//! The table `jobs`, its indexes, and the days of the archive.

use super::{
    Doctor,
    finding::{Check, Finding, bytes, or_ok, seconds, span},
};
use crate::{
    row::Count,
    store::{DAYS_AHEAD, DayLook, TableLook, repair::Repair},
};

/// 100,000 dead rows; fewer are a moment's work.
const MOST_DEAD: i64 = 100_000;

/// 10,000 updates, of fewer a share says nothing.
const FEWEST_UPDATES: i64 = 10_000;

/// 100 MB; a table or index below it is small, however empty it is.
const SMALL: i64 = 100 << 20;

/// 100 bytes of an index for a row, with room for the index to grow.
const ENTRY: i64 = 100;

/// 250 bytes of a row whose columns the role may not read.
const UNKNOWN_ROW: i64 = 250;

pub(super) async fn dead_rows(doctor: &Doctor<'_>) -> sqlx::Result<Vec<Finding>> {
    let store = doctor.queue().store();
    let table =
        doctor.ask(1, async |connection| store.look_at_jobs_table(connection).await).await?;
    Ok(judge_dead_rows(table, Repair::of(store.schema())))
}

fn judge_dead_rows(table: Option<TableLook>, repair: Repair<'_>) -> Vec<Finding> {
    const CHECK: Check = Check::DeadRows;
    let Some(table) = table else { return vec![no_table(CHECK)] };
    let TableLook { live, dead, updates, hot_updates, vacuumed, .. } = table;
    let vacuumed = vacuumed.map_or_else(
        || "it was not vacuumed yet".to_owned(),
        |ago| format!("it was vacuumed {} ago", span(seconds(ago))),
    );
    let mut findings = Vec::new();
    let (of_live, of_dead) = (count(live), count(dead));
    if dead > MOST_DEAD && dead > live.saturating_mul(5) {
        let found =
            format!("`jobs` has {of_dead} dead rows and {of_live} live ones, and {vacuumed}");
        let why = "each fetch reads past them; either a transaction keeps them, which the check `horizon` names, or \
            autovacuum does not keep up";
        findings.push(Finding::wrong(CHECK, found, why).sql(repair.vacuum()));
    }
    let share = percent(hot_updates, updates);
    if updates > FEWEST_UPDATES && share < 90 {
        let found = format!("{share} % of {} updates of `jobs` touched no index", count(updates));
        let why = "a claim that touches the indexes costs several times as much: an index too many, or a fillfactor \
            that was reset, which the check `drift` names";
        findings.push(Finding::warning(CHECK, found, why).command("simple-queue schema diff"));
    }
    or_ok(
        findings,
        CHECK,
        format!(
            "{of_dead} dead rows of {of_live}, {share} % of updates touch no index, {vacuumed}"
        ),
    )
}

pub(super) async fn size(doctor: &Doctor<'_>) -> sqlx::Result<Vec<Finding>> {
    let store = doctor.queue().store();
    let (table, indexes) = doctor
        .ask(2, async |connection| {
            let table = store.look_at_jobs_table(connection).await?;
            Ok((table, store.look_at_indexes(connection).await?))
        })
        .await?;
    Ok(judge_size(table, &indexes, Repair::of(store.schema())))
}

fn judge_size(
    table: Option<TableLook>,
    indexes: &[(String, i64)],
    repair: Repair<'_>,
) -> Vec<Finding> {
    const CHECK: Check = Check::Size;
    let Some(table) = table else { return vec![no_table(CHECK)] };
    let rows = std::cmp::max(table.live, 1);
    // More than half of each page stays free.
    let needed = rows.saturating_mul(std::cmp::max(table.width, UNKNOWN_ROW) * 100 / 45);
    let mut findings = Vec::new();
    if table.bytes > SMALL && table.bytes > needed.saturating_mul(10) {
        let found = format!(
            "`jobs` has {} for {} rows, more than ten times what they need",
            bytes(table.bytes),
            count(table.live)
        );
        let why = "a backlog left it so; maintenance that reads the whole table takes longer, fetches do not";
        let mended = Finding::warning(CHECK, found, why).sql(repair.shrink());
        findings.push(mended);
    }
    for (index, size) in indexes {
        if *size > SMALL && *size > rows.saturating_mul(ENTRY * 10) {
            let found =
                format!("the index `{index}` has {} for {} rows", bytes(*size), count(rows));
            let why = "its pages are nearly empty, and each descent reads more of them";
            findings.push(Finding::warning(CHECK, found, why).sql(repair.reindex(index)));
        }
    }
    let of_indexes = bytes(indexes.iter().map(|(_, size)| size).sum());
    let all = format!("`jobs` has {}, its indexes {of_indexes}", bytes(table.bytes));
    or_ok(findings, CHECK, all)
}

pub(super) async fn partitions(doctor: &Doctor<'_>) -> sqlx::Result<Vec<Finding>> {
    let store = doctor.queue().store();
    let days = doctor.ask(1, async |connection| store.look_at_partitions(connection).await).await?;
    Ok(judge_partitions(&days, Repair::of(store.schema())))
}

fn judge_partitions(days: &[DayLook], repair: Repair<'_>) -> Vec<Finding> {
    const CHECK: Check = Check::Partitions;
    let of = |what: &'static str| days.iter().filter(move |day| day.what == what);
    let mut findings = Vec::new();
    for DayLook { name, .. } in of("half_detached") {
        let why = "it was to be dropped; until it is detached wholly, no other day can be";
        let found = format!("the day `{name}` of the archive is half detached");
        findings.push(Finding::wrong(CHECK, found, why).sql(repair.detached(name)));
    }
    for DayLook { name, .. } in of("in_the_way") {
        let why = "a day of this name cannot be made, and jobs of it cannot be finished";
        let found = format!("the table `{name}` has the name of a day and is none");
        findings.push(Finding::wrong(CHECK, found, why).sql(repair.renamed(name)));
    }
    let missing: Vec<&DayLook> = of("missing").collect();
    if let Some(first) = missing.first() {
        let names: Vec<&str> = missing.iter().map(|day| day.name.as_str()).collect();
        let found = format!("days of the archive are missing: {}", names.join(", "));
        let is_near = missing.iter().any(|day| day.from_today < 2);
        let why = if first.from_today == 0 {
            "no job can be completed today"
        } else {
            "no job can be completed on such a day; a janitor makes a week of them ahead, so none seems to work"
        };
        findings.push(Finding::bad(CHECK, is_near, found, why).sql(repair.days_ahead(DAYS_AHEAD)));
    }
    let oldest = of("oldest").next().map_or(0, |day| -day.from_today);
    or_ok(findings, CHECK, format!("today and a week ahead are there, and {oldest} days back"))
}

fn no_table(check: Check) -> Finding {
    let why = "nothing can be enqueued";
    Finding::wrong(check, "there is no table `jobs`", why).command("simple-queue migrate")
}

fn count(number: i64) -> Count {
    Count::Exact(u64::try_from(number).unwrap_or(0))
}

/// A share of a whole in percent; nothing of nothing is all.
fn percent(part: i64, whole: i64) -> i64 {
    part.saturating_mul(100).checked_div(whole).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::{super::finding::Severity, *};
    use crate::database::Schema;

    const TABLE: TableLook = TableLook {
        live: 1000,
        dead: 0,
        updates: 0,
        hot_updates: 0,
        vacuumed: None,
        bytes: 8192,
        width: 300,
    };

    #[test]
    fn dead_rows_count_where_they_are_many_and_more_than_the_live_ones() {
        let schema = Schema::default();
        let severity =
            |table: TableLook| judge_dead_rows(Some(table), Repair::of(&schema)).remove(0).severity;
        for (live, dead, expected) in [
            (1000, 100_000, Severity::Ok),
            (1000, 100_001, Severity::Wrong),
            (1_000_000, 4_000_000, Severity::Ok),
        ] {
            assert_eq!(severity(TableLook { live, dead, ..TABLE }), expected, "{live} {dead}");
        }
        for (updates, hot_updates, expected) in [
            (10_000, 0, Severity::Ok),
            (100_000, 90_000, Severity::Ok),
            (100_000, 89_000, Severity::Warning),
        ] {
            assert_eq!(severity(TableLook { updates, hot_updates, ..TABLE }), expected);
        }
    }

    #[test]
    fn a_large_table_with_few_rows_is_found_and_so_is_a_large_index() {
        let schema = Schema::default();
        let judge = |bytes, index| {
            let table = TableLook { bytes, ..TABLE };
            judge_size(Some(table), &[("jobs_fetch".to_owned(), index)], Repair::of(&schema))
        };
        assert_eq!(judge(SMALL, SMALL)[0].severity, Severity::Ok);
        let found = judge(SMALL + 1, SMALL + 1);
        assert_eq!(found.len(), 2);
        let remedy = found[1].remedy.as_ref().unwrap().to_string();
        assert_eq!(remedy, "reindex index concurrently \"simple_queue\".\"jobs_fetch\";");
    }

    #[test]
    fn a_missing_day_is_worse_the_nearer_it_is() {
        let schema = Schema::default();
        let judge = |what: &str, from_today| {
            let day =
                DayLook { what: what.to_owned(), name: "archive_20990101".to_owned(), from_today };
            judge_partitions(&[day], Repair::of(&schema)).remove(0)
        };
        assert_eq!(judge("oldest", -3).severity, Severity::Ok);
        assert_eq!(judge("missing", 7).severity, Severity::Warning);
        assert_eq!(judge("missing", 1).severity, Severity::Wrong);
        assert_eq!(judge("missing", 0).why.unwrap(), "no job can be completed today");
        assert_eq!(judge("half_detached", -3).severity, Severity::Wrong);
        assert_eq!(judge("in_the_way", 9).severity, Severity::Wrong);
    }
}
