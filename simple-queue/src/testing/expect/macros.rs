//! The macros themselves. They compare fields where the test is compiled, so that a field that does
//! not exist, or a value of another type, is a compile error there.

/// Checks that a job is enqueued, so that it waits or runs, and returns it.
///
/// ```
/// # use simple_queue::{prelude::*, testing::{TestQueue, assert_enqueued, hours, secs}};
/// # #[job(queue = "emails")]
/// # async fn send_welcome(user_id: i64, text: String) {}
/// # async fn example(queue: TestQueue, pool: sqlx::PgPool) {
/// let job = assert_enqueued!(queue, SendWelcome { user_id: 42, .. });
/// assert_eq!(job.text, "hello");
///
/// assert_enqueued!(queue, SendWelcome { .. }, times(3).within(secs(2)));
/// assert_enqueued!(&pool, SendWelcome { .. }, queue("emails").due_in(hours(1)).priority(0));
///
/// let mut tx = pool.begin().await.unwrap();
/// assert_enqueued!(&mut tx, SendWelcome { user_id: 42, text: "hello" });
/// # }
/// ```
///
/// It looks on a [`TestQueue`](crate::testing::TestQueue), a queue, a pool, a connection or a
/// transaction, whose uncommitted jobs it sees; by reference, or by its name. Each field is compared
/// by `==`, so a text is compared with a `&str`. Without `..` all fields have to be there, so that a new
/// argument of the job is a compile error in the test. The part at the end is
/// [`Expected`](crate::testing::Expected).
///
/// The message of a miss lists the jobs of the kind, the nearest first, with the fields that differ:
///
/// ```text
/// none of the 2 `send_welcome` that are enqueued fits; nearest first:
///   01a2239f-59bb-736c-84b2-e45dda919e4a on "emails": user_id is 41, not 42
///   01a2239f-59ce-75f2-8f61-4ce59a1dc89d on "emails": user_id is 7, not 42, text is "hi", not "hello"
/// ```
///
/// # Panics
/// When no such job is enqueued, or another number of them.
#[macro_export]
macro_rules! assert_enqueued {
    ($($look:tt)*) => {
        match $crate::testing::look_for!(expect, $($look)*).await {
            ::core::result::Result::Ok(job) => job,
            ::core::result::Result::Err(miss) => ::core::panic!("{miss}"),
        }
    };
}

/// Checks that no such job is enqueued, so that none waits or runs.
///
/// ```
/// # use simple_queue::{prelude::*, testing::{TestQueue, refute_enqueued, millis}};
/// # #[job(queue = "emails")]
/// # async fn send_welcome(user_id: i64, text: String) {}
/// # async fn example(queue: TestQueue) {
/// refute_enqueued!(queue, SendWelcome { user_id: 42, .. });
/// refute_enqueued!(queue, SendWelcome { .. }, within(millis(200)));
/// # }
/// ```
///
/// The parts are those of [`assert_enqueued!`](crate::assert_enqueued), but for `times`.
///
/// # Panics
/// When such a job is enqueued.
#[macro_export]
macro_rules! refute_enqueued {
    ($($look:tt)*) => {
        match $crate::testing::look_for!(refute, $($look)*).await {
            ::core::result::Result::Ok(()) => {}
            ::core::result::Result::Err(miss) => ::core::panic!("{miss}"),
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __look_for_enqueued {
    ($how:ident, $on:expr, $job:path { .. } $(, $($expected:tt)*)?) => {
        $crate::testing::look_for!(@ $how, $on, $job, [], [], [$($($expected)*)?])
    };
    ($how:ident, $on:expr, $job:path { $($field:ident : $value:expr),+ , .. } $(, $($expected:tt)*)?) => {
        $crate::testing::look_for!(@ $how, $on, $job, [$($field: $value),+], [], [$($($expected)*)?])
    };
    ($how:ident, $on:expr, $job:path { $($field:ident : $value:expr),* $(,)? } $(, $($expected:tt)*)?) => {
        $crate::testing::look_for!(
            @ $how, $on, $job, [$($field: $value),*],
            [$job { $($field: ::core::unreachable!()),* }], [$($($expected)*)?]
        )
    };
    (@ $how:ident, $on:expr, $job:path, [$($field:ident : $value:expr),*], [$($whole:tt)*], [$($expected:tt)*]) => {
        async {
            let on = {
                #[allow(unused_imports)]
                use $crate::EnqueueOn as _;
                ($on).target()
            };
            let expected = $crate::testing::expected_of!($($expected)*);
            // From here on a field may have the name of a variable of the caller's.
            match ($(&$value,)*) {
                ($($field,)*) => {
                    let compare = |job: &$job, differences: &mut $crate::testing::Differences| {
                        // Without `..` a field that is left out is an error here, which names it.
                        #[allow(unreachable_code, unused, clippy::all, clippy::pedantic)]
                        let _ = || { $($whole)* };
                        $({
                            let $job { $field: is, .. } = job;
                            if !(*is == *$field) {
                                #[allow(unused_imports)]
                                use $crate::testing::{ShownDebug as _, ShownFallback as _};
                                differences.note(
                                    ::core::stringify!($field),
                                    (&$crate::testing::Shown(is)).shown(),
                                    (&$crate::testing::Shown($field)).shown(),
                                );
                            }
                        })*
                        // Used where there is no field.
                        let _ = (job, differences);
                    };
                    $crate::testing::$how(on, compare, expected).await
                }
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __expected_of_enqueued {
    () => {
        $crate::testing::Expected::new()
    };
    ($($expected:tt)+) => {{
        #[allow(unused_imports)]
        use $crate::testing::{days, hours, millis, mins, secs};
        $crate::testing::Expected::new().$($expected)+
    }};
}
