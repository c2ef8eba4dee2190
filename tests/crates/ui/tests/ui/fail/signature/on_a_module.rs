use simple_queue::prelude::*;

#[job]
mod mailer {}

fn main() {
}
