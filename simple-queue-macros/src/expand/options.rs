//! `JobOptions`: a constant, so that no bad value can reach run time.

use std::time::Duration;

use proc_macro2::{Literal, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use crate::model::{Attempts, Backoff, Curve, JobModel, Options, Preset};

pub(crate) fn options(model: &JobModel) -> TokenStream {
    let krate = &model.face.krate;
    let Options { attempts, backoff, timeout, delay, expires, priority } = &model.options;
    let attempts = attempts.map(|Attempts(count)| {
        let count = Literal::u32_unsuffixed(count);
        quote!(.max_attempts(#count))
    });
    let backoff = backoff.as_ref().map(|backoff| {
        let backoff = self::backoff(backoff, krate);
        quote!(.backoff(#backoff))
    });
    let timeout = timeout.map(|timeout| {
        let timeout = duration(timeout);
        quote!(.timeout(#timeout))
    });
    let delay = delay.map(|delay| {
        let delay = duration(delay);
        quote!(.delay(#delay))
    });
    let expires = expires.map(|expires| {
        let expires = duration(expires);
        quote!(.expires(#expires))
    });
    let priority = priority.map(|priority| {
        let priority = Literal::i16_unsuffixed(priority);
        quote!(.priority(#priority))
    });
    quote!(#krate::JobOptions::new() #attempts #backoff #timeout #delay #expires #priority)
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

fn duration(duration: Duration) -> TokenStream {
    let millis = u64::try_from(duration.as_millis()).expect("durations are read as u64 millis");
    let millis = Literal::u64_unsuffixed(millis);
    quote!(::core::time::Duration::from_millis(#millis))
}
