use simple_queue::prelude::*;

#[job(rate(limit = 100, per = "1s", burst = 10, cost = "{tokens}"))]
async fn complete(tokens: i64) {
    let _ = tokens;
}

fn main() {
    let _ = Complete::new(7);
}
