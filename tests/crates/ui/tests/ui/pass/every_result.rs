//! Everything that a job may return, and what is kept of it.
#![deny(warnings)]
#![allow(dead_code)]

use simple_queue::{prelude::*, typed::JobPayload};

type Kept<J> = <J as JobPayload>::Output;

#[derive(Debug, PartialEq)]
pub struct Receipt(i64);

impl serde::Serialize for Receipt {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0)
    }
}

type Charged = Result<Receipt, std::io::Error>;

mod mine {
    pub type Result<T> = std::result::Result<T, std::fmt::Error>;
}

#[job]
async fn nothing() {}

#[job]
async fn unit() -> () {}

#[job]
async fn answer() -> JobResult {
    JobResult::Success
}

#[job]
async fn answer_or_error() -> Result<JobResult, BoxDynError> {
    Ok(JobResult::Success)
}

#[job]
async fn value() -> Result<Receipt, BoxDynError> {
    Ok(Receipt(1))
}

#[job]
async fn value_of_a_shorter_result() -> mine::Result<Vec<i64>> {
    Ok(vec![1])
}

#[job]
async fn value_behind_an_alias() -> Charged {
    Ok(Receipt(1))
}

#[job]
async fn with_anyhow() -> anyhow::Result<Option<u8>> {
    Ok(None)
}

#[job]
async fn with_an_error_without_a_name() -> Result<u8, impl Into<BoxDynError>> {
    if false { Err("this") } else { Ok(1) }
}

#[test]
fn is_accepted() {
    let _: [Kept<Nothing>; 1] = [()];
    let _: [Kept<Unit>; 1] = [()];
    let _: [Kept<Answer>; 1] = [()];
    let _: [Kept<AnswerOrError>; 1] = [()];
    let _: Kept<Value> = Receipt(1);
    let _: Kept<ValueOfAShorterResult> = vec![1];
    let _: Kept<ValueBehindAnAlias> = Receipt(1);
    let _: Kept<WithAnyhow> = Some(1);
    let _: Kept<WithAnErrorWithoutAName> = 1;
}
