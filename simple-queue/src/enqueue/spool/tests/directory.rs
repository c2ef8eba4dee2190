//! Tests of the directory and the settings.

use std::{
    fs::{self, File},
    path::Path,
    time::Duration,
};

use super::{
    super::{Spool, directory::Directory},
    Place, call, job, kept,
};

fn refusal(spool: &Spool) -> String {
    Directory::open(spool).unwrap_err()
}

#[test]
fn a_directory_that_cannot_be_used_is_refused_with_the_reason() {
    let place = Place::new();
    fs::create_dir(&place.0).unwrap();
    let file = place.0.join("file");
    File::create(&file).unwrap();
    let problem = refusal(&Spool::at(file.join("spool")));
    assert!(problem.contains("of the spool cannot be created: "), "{problem}");
    // Not even root writes there.
    if cfg!(target_os = "linux") {
        let problem = refusal(&Spool::at("/proc"));
        assert!(
            problem.contains("the directory `/proc` of the spool is not writable: "),
            "{problem}"
        );
    }
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_can_read_the_files_or_plant_some() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let place = Place::new();
    let log = place.log();
    kept(&log, 2).await;
    let batch = log.next_batch().await.unwrap().unwrap();
    let bad = (batch.jobs[0].clone(), "reason".to_owned());
    log.append(call(&[job()])).await.unwrap();
    log.stored(batch, vec![bad]).await.unwrap();
    assert_eq!(mode(&place.0), 0o700);
    for file in place.files() {
        assert_eq!(mode(&place.0.join(&file)), 0o600, "{file}");
    }
    assert_eq!(place.files().len(), 2);

    fs::set_permissions(&place.0, fs::Permissions::from_mode(0o777)).unwrap();
    let problem = refusal(&place.spool());
    assert!(
        problem.contains("every user of the machine") && problem.contains("chmod 0700"),
        "{problem}"
    );
}

#[test]
fn settings_that_take_no_job_are_refused() {
    let spool = Spool::at("/nowhere").max_bytes(0).max_jobs(0).max_age(Duration::ZERO);
    let problems = spool.patience(Duration::from_hours(1)).problems();
    for (problem, word) in problems.iter().zip(["max_bytes", "max_jobs", "max_age", "patience"]) {
        assert!(problem.contains(word), "{problem}");
    }
    assert_eq!(problems.len(), 4);
    assert_eq!(Spool::at("/nowhere").problems(), [""; 0]);
}
