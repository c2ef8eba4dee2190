#[simple_queue::job]
async fn tidy() {}
