use simple_queue::prelude::*;

struct Mailer;

impl Mailer {
    #[job]
    async fn send(mailer: &Self) {
        let _ = mailer;
    }
}

fn main() {
    drop(Mailer::send(&Mailer));
}
