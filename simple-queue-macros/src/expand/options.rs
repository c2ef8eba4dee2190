//! `JobOptions` as a constant, so that no bad value reaches run time.

use std::time::Duration;

use proc_macro2::{Literal, TokenStream};
use quote::{quote, quote_spanned};
use syn::Path;
use syn::spanned::Spanned;

use crate::model::{
    AfterFailure, Attempts, Backoff, Concurrency, Curve, Declaration, KeyLimit, OnConflict,
    Options, Period, Preset, Rate, UniqueWhile, Window,
};

pub(crate) fn options(declaration: &Declaration) -> TokenStream {
    let krate = &declaration.item_head.krate;
    // Destructured in full, so that none is forgotten.
    let Options {
        attempts,
        backoff,
        timeout,
        delay,
        expires,
        priority,
        retain,
        concurrency: Concurrency { per_process, limit },
        rate,
        limits,
        tags,
        on_conflict,
        unique_for,
        unique_while,
        spool,
    } = &declaration.options;
    let start = match declaration.template {
        None => quote!(#krate::JobOptions::new()),
        Some(_) => quote!(#krate::JobTemplate::options(&Self::__TEMPLATE)),
    };
    let said = [
        attempts.map(|Attempts(count)| {
            let count = Literal::u32_unsuffixed(count);
            quote!(.max_attempts(#count))
        }),
        backoff.as_ref().map(|backoff| {
            let backoff = self::backoff(backoff, krate);
            quote!(.backoff(#backoff))
        }),
        timeout.map(|timeout| lasting(&quote!(timeout), timeout)),
        delay.map(|delay| lasting(&quote!(delay), delay)),
        expires.map(|expires| lasting(&quote!(expires), expires)),
        retain.map(|retain| lasting(&quote!(retain), retain)),
        priority.map(|priority| {
            let priority = Literal::i16_unsuffixed(priority);
            quote!(.priority(#priority))
        }),
        per_process.map(|concurrency| {
            let concurrency = Literal::u32_unsuffixed(concurrency);
            quote!(.concurrency(#concurrency))
        }),
        limit.map(|limit| {
            let limit = Literal::u32_unsuffixed(limit);
            quote!(.concurrency_limit(#limit))
        }),
        declaration.key_limit.as_ref().map(|limit| key_limit(limit, krate)),
        rate.as_ref().map(|rate| {
            let rate = self::rate(rate, krate);
            quote!(.rate(#rate))
        }),
        limits.as_deref().map(self::limits),
        tags.as_ref().map(|tags| quote!(.tags(&[#(#tags),*]))),
        on_conflict.map(|conflict| self::on_conflict(conflict, krate)),
        unique_for.map(|time| lasting(&quote!(unique_for), time)),
        unique_while.map(|states| {
            let states = match states {
                UniqueWhile::Running => quote!(Running),
                UniqueWhile::Pending => quote!(Pending),
            };
            quote!(.unique_while(#krate::UniqueWhile::#states))
        }),
        spool.map(|spool| quote!(.spool(#spool))),
    ];
    let said = said.into_iter().flatten();
    quote!(#start #(#said)*)
}

/// Returns what holds for each key.
fn key_limit(limit: &KeyLimit, krate: &TokenStream) -> TokenStream {
    let KeyLimit { concurrency, order, rate, cost, is_fair, key: _ } = limit;
    let fair = is_fair.then(|| quote!(.fair_per_key()));
    let costs = cost.as_ref().map(|_| quote!(.with_costs()));
    let concurrency = concurrency.map(|most| {
        let most = Literal::u32_unsuffixed(most);
        quote!(.concurrency_per_key(#most))
    });
    let order = order.map(|after_failure| {
        let after_failure = match after_failure {
            AfterFailure::Halt => quote!(Halt),
            AfterFailure::Continue => quote!(Continue),
            AfterFailure::Drop => quote!(Drop),
        };
        quote!(.in_order(#krate::AfterFailure::#after_failure))
    });
    let rate = rate.as_ref().map(|rate| {
        let rate = self::rate(rate, krate);
        quote!(.rate_per_key(#rate))
    });
    quote!(#concurrency #order #rate #costs #fair)
}

/// Returns what happens where the unique key is taken.
fn on_conflict(on_conflict: OnConflict, krate: &TokenStream) -> TokenStream {
    let on_conflict = match on_conflict {
        OnConflict::Ignore => quote!(Ignore),
        OnConflict::Replace => quote!(Replace),
        OnConflict::Reschedule => quote!(Reschedule),
        OnConflict::Error => quote!(Error),
    };
    quote!(.on_conflict(#krate::OnConflict::#on_conflict))
}

/// Returns an option that is a duration.
fn lasting(option: &TokenStream, duration: Duration) -> TokenStream {
    let duration = self::duration(duration);
    quote!(.#option(#duration))
}

fn rate(Rate { limit, per, burst, is_strict }: &Rate, krate: &TokenStream) -> TokenStream {
    let limit = Literal::u32_unsuffixed(*limit);
    let per = match per {
        Period::Any(per) => duration(*per),
        Period::Calendar(window, zone) => {
            let window = match window {
                Window::Minute => quote!(Minute),
                Window::Hour => quote!(Hour),
                Window::Day => quote!(Day),
                Window::Week => quote!(Week),
                Window::Month => quote!(Month),
            };
            return quote!(#krate::Rate::in_each(#krate::Window::#window, #limit, #zone));
        }
    };
    let burst = burst.map(|burst| {
        let burst = Literal::u32_unsuffixed(burst);
        if *is_strict { quote!(.burst(#burst)) } else { quote!(.token_bucket(#burst)) }
    });
    quote!(#krate::Rate::new(#limit, #per) #burst)
}

fn limits(limits: &[Path]) -> TokenStream {
    let limits = limits.iter().map(|limit| quote_spanned!(limit.span()=> #limit));
    // A block of its own, because an array that reads a static lives only as long as its statement otherwise.
    quote!(.limits(const { &[#(#limits),*] }))
}

fn backoff(Backoff { curve, jitter }: &Backoff, krate: &TokenStream) -> TokenStream {
    let curve = match curve {
        Curve::Preset(Preset::Exponential) => quote!(EXPONENTIAL),
        Curve::Preset(Preset::Linear) => quote!(LINEAR),
        Curve::Preset(Preset::Fixed) => quote!(FIXED),
        Curve::Preset(Preset::None) => quote!(NONE),
        Curve::Exponential { base, factor, max } => {
            let (base, max) = (duration(*base), duration(*max));
            let factor = Literal::f64_unsuffixed(*factor);
            quote!(exponential(#base, #factor, #max))
        }
        Curve::Linear(step) => {
            let step = duration(*step);
            quote!(linear(#step))
        }
        Curve::Fixed(delay) => {
            let delay = duration(*delay);
            quote!(fixed(#delay))
        }
        Curve::Custom(path) => quote_spanned!(path.span()=> custom(#path)),
    };
    let jitter = jitter.map(|jitter| {
        let jitter = Literal::f64_unsuffixed(jitter);
        quote!(.jitter(#jitter))
    });
    quote!(#krate::Backoff::#curve #jitter)
}

pub(super) fn duration(duration: Duration) -> TokenStream {
    let millis = u64::try_from(duration.as_millis()).expect("durations are read as u64 millis");
    let millis = Literal::u64_unsuffixed(millis);
    quote!(::core::time::Duration::from_millis(#millis))
}
