use simple_queue::prelude::*;

struct Mailer;

#[job]
impl Mailer {}

fn main() {
    drop(Mailer);
}
