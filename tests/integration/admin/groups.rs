//! Dead letters by their errors.

use std::time::Duration;

use simple_queue::{ErrorKind, JobFilter, Right, Rights};

use crate::support::TestDatabase;

/// 12 letters of one error with changing numbers, 5 of another, 3 of another kind.
async fn failed_jobs() -> TestDatabase {
    let database = TestDatabase::migrated().await;
    let error = |text: &str| {
        format!("jsonb_build_array(jsonb_build_object('attempt', 1, 'error', {text}))")
    };
    let letter = |kind: &str, text: &str, minutes: u32| {
        let ended = format!("now() - interval '{minutes} min' - n * interval '1 s'");
        database.dead_letter().kind(kind).set("finished_at", &ended).set("errors", error(text))
    };
    let refused = "'user ' || n || ': \"host-' || n || '\" refused' || chr(10) || 'line 2'";
    letter("mail", refused, 1).insert_many(12).await;
    letter("mail", "'timed out after ' || n || ' ms'", 90).insert_many(5).await;
    letter("video", refused, 2).insert_many(3).await;
    database
}

#[tokio::test]
async fn errors_that_differ_in_numbers_and_quoted_parts_are_one_group_of_each_kind() {
    let database = failed_jobs().await;
    let admin = database.queue().await.admin();
    let found = admin.error_groups(&JobFilter::any()).await.unwrap();
    assert_eq!((found.looked_at, found.complete), (20, true));
    let lines: Vec<String> = found.groups.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "12 of mail: user #: # refused",
            "5 of mail: timed out after # ms",
            "3 of video: user #: # refused",
        ]
    );
    let newest: uuid::Uuid = database
        .value(
            "select id from simple_queue.dead_letters order by finished_at desc, id desc limit 1",
        )
        .await;
    assert_eq!(found.groups[0].sample_id, newest);
    assert!(found.groups[0].first_at < found.groups[0].last_at);
}

#[tokio::test]
async fn a_group_is_narrowed_by_a_filter_and_selects_its_letters() {
    let database = failed_jobs().await;
    let admin = database.queue().await.admin().as_actor("ann");
    let recent = JobFilter::dead().since(Duration::from_hours(1)).kind("mail");
    let found = admin.error_groups(&recent).await.unwrap();
    assert_eq!(found.groups.len(), 1, "{found:?}");
    let by_contents = JobFilter::dead().error_like("TIMED");
    let late = admin.error_groups(&by_contents).await.unwrap().groups;
    assert_eq!(late.iter().map(|group| group.count).collect::<Vec<_>>(), [5]);
    assert!(admin.error_groups(&JobFilter::dead().kind("none")).await.unwrap().groups.is_empty());

    let filter = late[0].filter();
    let written = filter.to_string();
    assert_eq!(written, r#"state:dead kind:mail error_key:"timed out after # ms""#);
    let retried = admin.select(written.parse().unwrap()).retry().await.unwrap();
    assert_eq!((retried.done, retried.left_alone), (5, 0));
    assert_eq!(database.count("jobs").await, 5);
    // Only dead letters have one.
    assert_eq!(admin.find(&JobFilter::live().error_key("x")).await.unwrap().jobs, []);
}

#[tokio::test]
async fn errors_are_grouped_only_for_those_who_may_read_them() {
    let database = failed_jobs().await;
    let rights = Rights::READ_ONLY.without(Right::SeeContents);
    let viewer = database.queue().await.admin().with_rights(rights);
    let refused = viewer.error_groups(&JobFilter::dead()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::PermissionDenied, "{refused}");
}
