use std::collections::HashSet;

use simple_queue::prelude::*;

#[job(unique(by = [seen]))]
async fn send(user_id: i64, seen: HashSet<i64>) {
    let _ = (user_id, seen);
}

fn main() {}
