//! One rule for the names of queues, wherever a name is given.

use simple_queue::{Error, prelude::*};

use crate::support::TestDatabase;

#[job]
async fn tidy() {}

/// The names of the table, each with whether it is good.
fn table() -> Vec<(String, bool)> {
    let table = include_str!("../queue_names.txt");
    let cases = table.lines().filter(|line| !line.starts_with('#'));
    let cases = cases.map(|line| line.split_once(' ').unwrap());
    cases.map(|(verdict, name)| (serde_json::from_str(name).unwrap(), verdict == "good")).collect()
}

const RULE: &str = "queue names may only use a-z, 0-9, `_`, `-` and `.` (1 to 63 characters)";

#[tokio::test]
async fn calls_settings_and_functions_of_the_database_take_the_same_names() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    for (name, is_good) in table() {
        let declared = Tidy::new().queue(&name).enqueue(&queue).await.map(|_| ());
        let plain = queue.insert_job(Job::new(&name, 1)).await.map(|_| ());
        let plain = plain.map_err(|error| *error.downcast::<Error>().unwrap());
        let set = SimpleQueue::builder(&database.pool).queue_permits(&name, 7).build();
        let called = sqlx::query("select simple_queue.enqueue($1, '', '1')").bind(&name);
        let called = called.execute(&database.pool).await;
        let answers = [
            ("a declared job", declared.map_err(|error| error.to_string())),
            ("a plain job", plain.map_err(|error| error.to_string())),
            ("a setting", set.map(|_| ()).map_err(|error| error.to_string())),
            ("the function", called.map(|_| ()).map_err(|error| error.to_string())),
        ];
        for (what, answer) in answers {
            match answer {
                Ok(()) => assert!(is_good, "{what} took {name:?}"),
                Err(error) => {
                    assert!(!is_good && error.contains(RULE), "{what}, {name:?}: {error}");
                }
            }
        }
    }
}
