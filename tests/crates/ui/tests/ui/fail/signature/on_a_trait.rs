use simple_queue::prelude::*;

#[job]
trait Mailer {}

fn main() {
}
