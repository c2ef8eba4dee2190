//! Stored values come back equal, and a value that JSON cannot hold is refused with its path.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use simple_queue::{Error, JobStatus, prelude::*, testing::TestQueue};

use crate::support::{STOP, TestDatabase};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Numbers {
    doubles: Vec<f64>,
    singles: Vec<f32>,
    unsigned: [u128; 2],
    signed: [i128; 2],
}

impl Numbers {
    /// Numbers of every size: bits that are drawn, and the ends of the ranges.
    fn drawn() -> Self {
        let mut state = 7_u64;
        let mut draw = || {
            // <https://prng.di.unimi.it/splitmix64.c>
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        };
        let mut doubles =
            vec![f64::MAX, f64::MIN, f64::MIN_POSITIVE, f64::EPSILON, 5e-324, 0.1, -0.0];
        let mut singles = vec![f32::MAX, f32::MIN, f32::MIN_POSITIVE, f32::EPSILON, 1e-45, 0.1];
        for _ in 0..3000 {
            let bits = draw();
            doubles.push(f64::from_bits(bits));
            // Such as measurements have: most of the bits above would be huge or tiny.
            doubles.push(f64::from_bits(bits >> 12 | 0x3ff0_0000_0000_0000) * 1000.0);
            singles.push(f32::from_bits((bits >> 32) as u32));
        }
        doubles.retain(|number| number.is_finite());
        singles.retain(|number| number.is_finite());
        Self { doubles, singles, unsigned: [u128::MAX, 1 << 64], signed: [i128::MIN, i128::MAX] }
    }
}

#[job(queue = "q")]
async fn compare(numbers: Numbers) -> Result<bool, BoxDynError> {
    Ok(numbers == Numbers::drawn())
}

#[job(queue = "q")]
async fn return_numbers() -> Result<Numbers, BoxDynError> {
    Ok(Numbers::drawn())
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Row {
    name: String,
    cells: HashMap<String, Vec<f64>>,
    share: Option<f32>,
}

impl Row {
    fn with(cell: f64, share: f32) -> Self {
        let cells = HashMap::from([("a".to_owned(), vec![1.0, cell])]);
        Self { name: "first".to_owned(), cells, share: Some(share) }
    }
}

#[job(queue = "q")]
async fn measure(row: Row) {
    let _ = row;
}

#[job(queue = "q", unique(by = [share]))]
async fn pay_out(share: f64, rows: Vec<Row>) {
    let _ = (share, rows);
}

#[job(queue = "q")]
async fn divide(by: f64) -> Result<Row, BoxDynError> {
    Ok(Row::with(1.0 / by, 1.0))
}

#[tokio::test]
async fn every_number_that_serde_can_write_comes_back_equal_as_argument_and_as_result() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    queue.register(jobs![Compare, ReturnNumbers], ()).unwrap();
    let worker = queue.start().await;
    let job = Compare::new(Numbers::drawn()).enqueue(&queue).await.unwrap();
    assert!(job.wait(&queue, STOP).await.unwrap(), "as arguments");
    let job = ReturnNumbers::new().enqueue(&queue).await.unwrap();
    let returned = job.wait(&queue, STOP).await.unwrap();
    assert_eq!(returned, Numbers::drawn());

    let plain: Vec<f64> = Numbers::drawn().doubles;
    let read: Vec<f64> = serde_json::from_value(Job::new("q", &plain).job_data).unwrap();
    assert_eq!(read, plain);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_number_that_json_cannot_hold_is_refused_at_the_call_with_its_path() {
    let database = TestDatabase::migrated().await;
    let refused = [
        (Row::with(f64::NAN, 1.0), "`row.cells.a[1]` is NaN"),
        (Row::with(f64::INFINITY, 1.0), "`row.cells.a[1]` is inf"),
        (Row::with(f64::NEG_INFINITY, 1.0), "`row.cells.a[1]` is -inf"),
        (Row::with(1.0, f32::NAN), "`row.share` is NaN"),
    ];
    for (row, expected) in refused {
        let error = Measure::new(row).enqueue(&database.pool).await.unwrap_err();
        assert!(matches!(error, Error::InvalidPayload { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
    let rows = vec![Row::with(1.0, 1.0), Row::with(f64::NAN, 1.0)];
    let error = PayOut::new(1.0, rows).enqueue(&database.pool).await.unwrap_err();
    assert!(error.to_string().contains("`rows[1].cells.a[1]` is NaN"), "{error}");
    let error = PayOut::new(f64::NAN, vec![]).enqueue(&database.pool).await.unwrap_err();
    assert!(error.to_string().contains("`share` is NaN"), "{error}");
    assert_eq!(database.count("jobs").await, 0);
}

#[tokio::test]
async fn a_plain_job_whose_payload_cannot_be_written_is_refused_when_it_is_inserted() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let unwritable: [(Job, &str); 3] = [
        (Job::new("q", Row::with(f64::NAN, 1.0)), "`cells.a[1]` is NaN"),
        (Row::with(1.0, f32::INFINITY).into_job("q"), "`share` is inf"),
        (Job::new("q", HashMap::from([((1, 2), 3)])), "key must be a string"),
    ];
    for (job, expected) in unwritable {
        let error = queue.insert_job(job).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(matches!(error.downcast_ref(), Some(Error::InvalidPayload { .. })), "{error}");
    }
    let mut mended = Job::new("q", f64::NAN);
    mended.job_data = json!({"number": null});
    assert!(queue.insert_job(mended).await.unwrap().is_some());
    assert!(queue.insert_job(Job::new("q", Value::Null)).await.unwrap().is_some());
    assert_eq!(database.count("jobs").await, 2);
}

#[tokio::test]
async fn a_result_that_json_cannot_hold_ends_the_job_with_the_path_of_the_number() {
    let database = TestDatabase::migrated().await;
    let queue = TestQueue::of(&database.queue().await).await;
    queue.register(jobs![Divide], ()).unwrap();
    Divide::new(0.0).enqueue(&queue).await.unwrap();
    let drained = queue.drain().await;
    let run = &drained.runs[0];
    assert_eq!(run.outcome.status(), Some(JobStatus::CriticalFailure), "{drained}");
    let error = run.error.as_deref().unwrap();
    assert!(error.starts_with("its result cannot be stored: `cells.a[1]` is inf"), "{error}");
}
