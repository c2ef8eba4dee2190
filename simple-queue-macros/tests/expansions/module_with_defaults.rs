/// Mails.
pub(crate) mod mails {
    use simple_queue::prelude::*;
    #[job(
        __inherited(
            queue = "emails",
            retries = 5,
            backoff = linear("5s"),
            strategy = RULES
        )
    )]
    async fn plain(#[job(default)] text: String) {}
    #[simple_queue::job(
        __inherited(
            queue = "emails",
            retries = 5,
            backoff = linear("5s"),
            strategy = RULES
        ),
        retries = 0
    )]
    async fn own() {}
    #[derive(Debug, Job)]
    #[job(
        __inherited(
            queue = "emails",
            retries = 5,
            backoff = linear("5s"),
            strategy = RULES
        )
    )]
    struct Bare;
    #[derive(simple_queue::Job)]
    #[job(
        __inherited(
            queue = "emails",
            retries = 5,
            backoff = linear("5s"),
            strategy = RULES
        ),
        name = "told"
    )]
    #[job(retries = 1)]
    struct Told;
    #[handler(
        __inherited(
            queue = "emails",
            retries = 5,
            backoff = linear("5s"),
            strategy = RULES
        )
    )]
    async fn tell(job: Told) {}
    #[cfg(test)]
    mod deeper {
        #[job(
            __inherited(
                queue = "emails",
                retries = 5,
                backoff = linear("5s"),
                strategy = RULES
            ),
        )]
        async fn deep() {}
        #[job_defaults(
            __inherited(
                queue = "emails",
                retries = 5,
                backoff = linear("5s"),
                strategy = RULES
            ),
            retries = 1
        )]
        mod deepest {
            #[job]
            async fn deepest() {}
        }
    }
    mod elsewhere;
    #[derive(Debug)]
    struct Other;
    const OTHER: fn() = || ();
}
