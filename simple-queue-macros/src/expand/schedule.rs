//! The schedule of a job, and the payload of its jobs.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, Lit};

use super::options::duration;
use crate::model::{Declaration, FieldDefault, Misfire, Overlap, Rule, Schedule, ScheduledArg};

/// Returns what the declaration says of its schedule, if it has one.
pub(crate) fn schedule(declaration: &Declaration) -> Option<TokenStream> {
    let Schedule { rule, misfire, overlap, args } = declaration.schedule.as_ref()?;
    let krate = &declaration.item_head.krate;
    let rule = match rule {
        Rule::Cron { cron, zone } => {
            let zone = zone.as_ref().map(|zone| quote!(.tz(#zone)));
            quote!(cron(#cron) #zone)
        }
        Rule::Every(time) => {
            let time = duration(*time);
            quote!(every(#time))
        }
    };
    let misfire = misfire.map(|misfire| {
        let misfire = match misfire {
            Misfire::Coalesce => quote!(Coalesce),
            Misfire::Skip => quote!(Skip),
            Misfire::Backfill => quote!(Backfill),
        };
        quote!(.misfire(#krate::Misfire::#misfire))
    });
    let overlap = overlap.map(|overlap| {
        let overlap = match overlap {
            Overlap::Allow => quote!(Allow),
            Overlap::Skip => quote!(Skip),
            Overlap::Queue => quote!(Queue),
        };
        quote!(.overlap(#krate::Overlap::#overlap))
    });
    let fields = args.iter().map(|ScheduledArg { name, ty, value }| {
        let value = match value {
            FieldDefault::OfType => {
                quote_spanned!(ty.span()=> <#ty as ::core::default::Default>::default())
            }
            FieldDefault::Value(value) => of_type(value),
        };
        quote!(#name: #value)
    });
    Some(quote! {
        const SCHEDULE: ::core::option::Option<#krate::typed::DeclaredSchedule> =
            ::core::option::Option::Some(#krate::typed::DeclaredSchedule::#rule #misfire #overlap);

        fn scheduled() -> ::core::option::Option<Self> {
            ::core::option::Option::Some(Self { #(#fields),* })
        }
    })
}

/// A text becomes a `String`, or what else can be made of one.
fn of_type(value: &Expr) -> TokenStream {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
            quote_spanned!(text.span()=> ::core::convert::From::from(#text))
        }
        other => quote!(#other),
    }
}
