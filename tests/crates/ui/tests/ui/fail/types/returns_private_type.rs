#![allow(private_interfaces)]

mod reports {
    use simple_queue::prelude::*;

    #[derive(serde::Serialize)]
    struct Report;

    #[job(queue = "reports")]
    pub async fn count_words(text: String) -> Result<Report, BoxDynError> {
        Err(text.into())
    }
}

fn main() {}
