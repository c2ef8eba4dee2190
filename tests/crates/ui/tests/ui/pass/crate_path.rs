mod facade {
    pub mod queue {
        pub use simple_queue::*;
    }
}

#[facade::queue::job(crate = facade::queue, unique = "{user_id}")]
async fn send(user_id: i64) {
    let _ = user_id;
}

#[facade::queue::job(crate = "crate::pass::crate_path::facade::queue")]
async fn resize(user_id: i64) {
    let _ = user_id;
}

#[derive(facade::queue::JobState)]
#[state(crate = crate::pass::crate_path::facade::queue)]
struct App {
    name: String,
}

#[test]
fn is_accepted() {
    let _ = (Send::new(7), Resize::new(7), App { name: String::new() }.name);
}
