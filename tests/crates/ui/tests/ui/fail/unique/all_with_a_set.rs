use std::collections::HashSet;

use simple_queue::prelude::*;

#[job(unique)]
async fn send(user_id: i64, seen: Vec<HashSet<i64>>) {
    let _ = (user_id, seen);
}

fn main() {}
