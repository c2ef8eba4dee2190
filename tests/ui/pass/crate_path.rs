mod facade {
    pub mod queue {
        pub use simple_queue::*;
    }
}

#[facade::queue::job(crate = facade::queue, unique = "{user_id}")]
async fn send(user_id: i64) {
    let _ = user_id;
}

#[facade::queue::job(crate = "crate::facade::queue")]
async fn resize(user_id: i64) {
    let _ = user_id;
}

#[derive(facade::queue::JobState)]
#[state(crate = crate::facade::queue)]
struct App {
    name: String,
}

fn main() {
    let _ = (Send::new(7), Resize::new(7), App { name: String::new() }.name);
}
