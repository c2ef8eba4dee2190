//! Tests of the files, without a database.

mod directory;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use futures_util::future::join_all;
use uuid::Uuid;

use super::{
    Spool,
    call::{Asked, Call, Kept},
    directory::Directory,
    log::{Log, NotKept},
    segment::{Framed, Origin, Segment, TakenOver},
};
use crate::row::{Job, NewJob};

/// A directory that is removed with everything in it.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        Self::below(&std::env::temp_dir())
    }

    /// In memory if there is such a place: for a test that writes to the disk ten thousands of times.
    fn in_memory() -> Self {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() { Self::below(memory) } else { Self::new() }
    }

    fn below(directory: &Path) -> Self {
        Self(directory.join(format!("sq-spool-{}", Uuid::now_v7().simple())))
    }

    fn spool(&self) -> Spool {
        Spool::at(&self.0)
    }

    fn directory(&self) -> Directory {
        Directory::open(&self.spool()).unwrap()
    }

    /// The files of a process.
    fn log(&self) -> Arc<Log> {
        self.log_of(self.spool(), "app")
    }

    fn log_of(&self, settings: Spool, database: &str) -> Arc<Log> {
        Arc::new(Log::new(self.directory(), origin(database), settings))
    }

    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn of(&self, extension: &str) -> Vec<PathBuf> {
        let paths = self.files().into_iter().map(|name| self.0.join(name));
        paths.filter(|path| path.extension().is_some_and(|it| it == extension)).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn origin(database: &str) -> Origin {
    Origin { database: database.to_owned(), schema: "simple_queue".to_owned() }
}

fn job() -> NewJob {
    NewJob { spool: None, ..NewJob::from(Job::new("q", "some text")) }
}

fn call_at(asked: Asked, jobs: &[NewJob]) -> Framed {
    Framed::of(&Call { asked, jobs: jobs.iter().map(Kept::of).collect() }).unwrap()
}

fn call(jobs: &[NewJob]) -> Framed {
    call_at(Asked::now(), jobs)
}

async fn kept(log: &Arc<Log>, jobs: usize) -> Vec<Uuid> {
    let jobs: Vec<NewJob> = (0..jobs).map(|_| job()).collect();
    let all = jobs.iter().map(|job| log.append(call(std::slice::from_ref(job))));
    assert!(join_all(all).await.iter().all(Result::is_ok));
    jobs.iter().map(|job| job.id).collect()
}

/// Ends a process: its locks end when its last task has.
async fn dies(log: Arc<Log>) {
    while Arc::strong_count(&log) > 1 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Takes everything out, as a flusher does.
async fn flushed(log: &Arc<Log>) -> Vec<Uuid> {
    let mut ids = Vec::new();
    while let Some(batch) = log.next_batch().await.unwrap() {
        assert_eq!(batch.refused, []);
        ids.extend(batch.jobs.iter().map(|job| job.id));
        log.stored(batch, Vec::new()).await.unwrap();
    }
    ids
}

#[tokio::test]
async fn jobs_are_flushed_in_their_order_and_their_file_is_removed() {
    let place = Place::new();
    let log = place.log();
    assert_eq!(place.files(), [""; 0], "nothing is left of the check");
    let ids = kept(&log, 5).await;
    assert_eq!((log.waiting().jobs, place.files().len()), (5, 1));
    assert!(log.waiting().oldest.is_some() && log.waiting().bytes > 0);
    assert_eq!(flushed(&log).await, ids);
    assert_eq!(log.waiting(), super::Waiting::default());
    assert_eq!(place.files(), [""; 0]);
    let more = kept(&log, 1).await;
    assert_eq!(flushed(&log).await, more, "another file is made");
}

#[tokio::test]
async fn all_jobs_of_a_call_are_kept_together() {
    let place = Place::new();
    let jobs: Vec<NewJob> = (0..2500).map(|_| job()).collect();
    let log = place.log();
    log.append(call(&jobs)).await.unwrap();
    log.append(call(&jobs[..1])).await.unwrap();
    let batch = log.next_batch().await.unwrap().unwrap();
    assert_eq!(batch.jobs.len(), 2500, "a batch has whole calls");
}

#[tokio::test]
async fn a_file_cut_at_any_byte_keeps_a_prefix_and_the_rest_is_set_aside() {
    let place = Place::in_memory();
    let log = place.log();
    let ids = kept(&log, 100).await;
    let ends: Vec<u64> = {
        let files = log.files.lock();
        files.active.as_ref().unwrap().calls.iter().map(|call| call.at + call.bytes).collect()
    };
    let whole = fs::read(&place.of("spool")[0]).unwrap();
    assert_eq!(ends.last(), Some(&(whole.len() as u64)));
    dies(log).await;

    let other = Place::in_memory();
    let (directory, origin) = (other.directory(), origin("app"));
    for cut in 0..=whole.len() {
        let path = other.0.join("cut.spool");
        fs::write(&path, &whole[..cut]).unwrap();
        let file = directory.take_over(&path).unwrap().expect("nobody has locked it");
        let taken = Segment::take_over(&directory, &origin, &path, file).unwrap();
        let there = ends.iter().filter(|end| **end <= cut as u64).count();
        let calls = match taken {
            TakenOver::Segment(segment) => segment.calls.len(),
            // In the head of the file there is no job yet.
            TakenOver::Empty | TakenOver::Foreign => 0,
        };
        assert_eq!(calls, there, "cut at {cut}");
        if there > 0 {
            let kept = ends[there - 1];
            assert_eq!(fs::metadata(&path).unwrap().len(), kept, "cut at {cut}");
            let rest = fs::read(other.0.join("cut.bad")).unwrap_or_default();
            assert_eq!(rest, whole[usize::try_from(kept).unwrap()..cut], "cut at {cut}");
        }
        for left in other.files() {
            fs::remove_file(other.0.join(left)).unwrap();
        }
    }

    fs::write(other.0.join("cut.spool"), &whole[..whole.len() - 3]).unwrap();
    let log = other.log();
    log.take_over().await.unwrap();
    assert_eq!(flushed(&log).await, ids[..99]);
    assert_eq!(other.files(), ["cut.bad"]);
}

#[tokio::test]
async fn a_live_process_keeps_its_file_and_a_dead_one_leaves_it_to_others() {
    let place = Place::new();
    let (first, second) = (place.log(), place.log());
    let ids = kept(&first, 3).await;
    second.take_over().await.unwrap();
    assert_eq!(second.waiting().jobs, 0);
    dies(first).await;
    second.take_over().await.unwrap();
    assert_eq!(second.waiting().jobs, 3, "they count for its limits");
    let third = place.log();
    third.take_over().await.unwrap();
    assert_eq!(third.waiting().jobs, 0);
    let own = kept(&second, 1).await;
    assert_eq!(flushed(&second).await, [ids, own].concat(), "the oldest first");
    assert_eq!(place.files(), [""; 0]);
}

#[tokio::test]
async fn what_is_marked_as_stored_is_not_taken_over() {
    let place = Place::new();
    let log = place.log();
    let ids = kept(&log, 1500).await;
    let batch = log.next_batch().await.unwrap().unwrap();
    assert_eq!(batch.jobs.len(), 1000);
    log.stored(batch, Vec::new()).await.unwrap();
    assert_eq!(log.waiting().jobs, 500);
    dies(log).await;
    let other = place.log();
    other.take_over().await.unwrap();
    assert_eq!(flushed(&other).await, ids[1000..]);
}

#[tokio::test]
async fn a_batch_that_two_callers_have_read_moves_the_file_on_once() {
    let place = Place::new();
    let log = place.log();
    let ids = kept(&log, 1500).await;
    let read = async || log.next_batch().await.unwrap().unwrap();
    let (first, second) = (read().await, read().await);
    log.stored(first, Vec::new()).await.unwrap();
    log.stored(second, Vec::new()).await.unwrap();
    assert_eq!(log.waiting().jobs, 500);
    assert_eq!(flushed(&log).await, ids[1000..]);
}

#[tokio::test]
async fn refused_jobs_are_set_aside_with_the_reason() {
    let place = Place::new();
    let log = place.log();
    kept(&log, 2).await;
    let batch = log.next_batch().await.unwrap().unwrap();
    let bad = batch.jobs[0].clone();
    log.stored(batch, vec![(bad.clone(), "because of that".to_owned())]).await.unwrap();
    let [rejected] = place.of("rejected").try_into().unwrap();
    let text = fs::read_to_string(&rejected).unwrap();
    let line: serde_json::Value = serde_json::from_str(text.trim()).unwrap();
    assert_eq!(line["reason"], "because of that");
    assert_eq!(line["job"]["id"], bad.id.to_string());
    assert_eq!(line["job"]["payload"], "\"some text\"");
    assert_eq!(place.files().len(), 1, "the jobs are gone, the refused one stays");
}

#[tokio::test]
async fn a_full_spool_takes_no_more_and_says_why() {
    let place = Place::new();
    let refusal = async |log: &Arc<Log>, call: Framed| match log.append(call).await {
        Err(NotKept::Full(problem)) => problem,
        other => panic!("{other:?}"),
    };
    let log = place.log_of(place.spool().max_jobs(3), "app");
    kept(&log, 2).await;
    let problem = refusal(&log, call(&[job(), job()])).await;
    assert!(problem.contains("than `max_jobs`, which is 3"), "{problem}");
    kept(&log, 1).await;
    flushed(&log).await;
    kept(&log, 3).await;

    let log = place.log_of(place.spool().max_bytes(1000), "app");
    kept(&log, 2).await;
    let problem = refusal(&log, call(&vec![job(); 10])).await;
    assert!(problem.contains("than `max_bytes`, which is 1000"), "{problem}");

    let log = place.log_of(place.spool().max_age(Duration::from_millis(1)), "app");
    kept(&log, 1).await;
    tokio::time::sleep(Duration::from_millis(2)).await;
    let problem = refusal(&log, call(&[job()])).await;
    assert!(problem.contains("the oldest job has waited"), "{problem}");
    assert_eq!(log.waiting().jobs, 1, "no job is deleted for its age");
}

#[tokio::test]
async fn callers_share_a_write_and_a_full_file_is_followed_by_another() {
    let place = Place::new();
    let log = place.log();
    let large = NewJob { job_data: format!("\"{}\"", "x".repeat(500_000)), ..job() };
    let jobs: Vec<NewJob> =
        (0..40).map(|_| NewJob { id: Uuid::now_v7(), ..large.clone() }).collect();
    let all = jobs.iter().map(|job| log.append(call(std::slice::from_ref(job))));
    assert!(join_all(all).await.iter().all(Result::is_ok));
    // At most 8 MiB and a batch each.
    assert_eq!(place.of("spool").len(), 2);
    let found = flushed(&log).await;
    assert_eq!(found, jobs.iter().map(|job| job.id).collect::<Vec<_>>());
}

#[tokio::test]
async fn files_of_another_database_and_of_a_later_release_are_left_alone() {
    let place = Place::new();
    let (ours, other) = (place.log(), place.log_of(place.spool(), "other"));
    kept(&ours, 1).await;
    dies(ours).await;
    other.take_over().await.unwrap();
    assert_eq!((other.waiting().jobs, place.files().len()), (0, 1));
    let path = &place.of("spool")[0];
    let mut bytes = fs::read(path).unwrap();
    bytes[7] += 1;
    fs::write(path, bytes).unwrap();
    let ours = place.log();
    ours.take_over().await.unwrap();
    assert_eq!((ours.waiting().jobs, place.files().len()), (0, 1));
}

#[tokio::test]
async fn what_a_process_left_half_made_is_removed() {
    let place = Place::new();
    let log = place.log();
    fs::write(place.0.join("left.new"), "SQSP").unwrap();
    fs::write(place.0.join("notes.txt"), "of somebody").unwrap();
    log.take_over().await.unwrap();
    assert_eq!(place.files(), ["notes.txt"]);
}
