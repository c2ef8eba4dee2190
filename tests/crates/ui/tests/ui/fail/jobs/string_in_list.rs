use simple_queue::prelude::*;

fn main() {
    let _ = jobs![String];
}
