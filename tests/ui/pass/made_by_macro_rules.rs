use simple_queue::prelude::*;

macro_rules! make {
    ($(#[$meta:meta])* $vis:vis $name:ident, $arg:ident: $ty:ty, $state:ty, $queue:literal, $n:expr, $body:block) => {
        $(#[$meta])*
        #[job(queue = $queue, retries = $n, unique = "{id}")]
        #[expect(unused_variables)]
        $vis async fn $name(state: &$state, id: i64, $arg: $ty) $body
    };
    ($item:item) => {
        #[job]
        $item
    };
}

make!(
    /// Sends.
    pub send, name: String, Vec<u8>, "emails", 5, {}
);
make!(async fn resize(width: u32) { let _ = width; });

fn main() {
    let _ = Send::new(7, "a".to_owned());
    let _ = Send { id: 7, name: String::new() };
    let _ = Resize::new(7);
    let _ = jobs![Send, Resize];
}
