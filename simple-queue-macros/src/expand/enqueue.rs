//! What the payload struct can do, so that a call site needs no import but the struct.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Ident, Type};

use super::handler::state_bounds;
use crate::model::{Face, JobModel};

pub(crate) fn helpers(model: &JobModel) -> TokenStream {
    let Face { krate, payload, vis, .. } = &model.face;
    let new = new(model);
    let options = options(&model.face);
    let bounds = state_bounds(model);
    quote! {
        #[allow(
            dead_code,
            deprecated,
            private_bounds,
            private_interfaces,
            unreachable_pub,
            clippy::used_underscore_binding
        )]
        impl #payload {
            #new
            #options

            /// The handler of this job with its state, to be registered by hand.
            #[must_use]
            #vis fn handler<S>(state: ::std::sync::Arc<S>) -> #krate::Typed<Self, S>
            where
                S: #bounds,
            {
                #krate::Typed::new(state)
            }
        }
    }
}

fn new(model: &JobModel) -> TokenStream {
    let Face { function, vis, .. } = &model.face;
    let doc = format!(" A job that will call [`{function}`](fn@{function}) with these arguments.");
    let params = model.stored().map(|arg| parameter(&arg.name, &arg.ty));
    let fields = model.stored().map(|arg| {
        let name = &arg.name;
        match is_string(&arg.ty) {
            true => quote!(#name: ::core::convert::Into::into(#name)),
            false => quote!(#name),
        }
    });
    let body = match model.stored().next() {
        None => quote!(Self),
        Some(_) => quote!(Self { #(#fields),* }),
    };
    quote! {
        #[doc = #doc]
        #[must_use]
        #[allow(clippy::too_many_arguments)]
        #vis fn new(#(#params),*) -> Self {
            #body
        }
    }
}

/// A parameter of `new`: the stored type, or for a `String` all that becomes one.
pub(crate) fn parameter(name: &Ident, ty: &Type) -> TokenStream {
    match is_string(ty) {
        true => quote!(#name: impl ::core::convert::Into<#ty>),
        false => quote!(#name: #ty),
    }
}

/// The ways to enqueue: alone, with options, in bulk.
pub(crate) fn options(face: &Face) -> TokenStream {
    let Face { krate, vis, .. } = face;
    quote! {
        /// Stores the job: through the queue, a pool, a connection, or in the caller's transaction.
        ///
        /// # Errors
        ///
        /// When the payload or its key cannot be stored, or the database fails.
        #vis fn enqueue<'e>(
            self,
            on: impl #krate::EnqueueOn<'e>,
        ) -> impl ::core::future::Future<
            Output = ::core::result::Result<#krate::Enqueued<Self>, #krate::Error>,
        > + ::core::marker::Send + 'e {
            #krate::Enqueue::new(self).enqueue(on)
        }

        /// Makes the job due this long after it is stored.
        #vis fn delay(self, delay: ::core::time::Duration) -> #krate::Enqueue<Self> {
            #krate::Enqueue::new(self).delay(delay)
        }

        /// Makes the job due at this time.
        #vis fn at(
            self,
            time: #krate::private::DateTime<#krate::private::Utc>,
        ) -> #krate::Enqueue<Self> {
            #krate::Enqueue::new(self).at(time)
        }

        /// Gives the job a priority of its own; smaller numbers run first.
        #vis fn priority(self, priority: ::core::primitive::i16) -> #krate::Enqueue<Self> {
            #krate::Enqueue::new(self).priority(priority)
        }

        /// Stores any number of jobs together, all or none.
        ///
        /// # Errors
        ///
        /// When one of them cannot be stored; then none is.
        #vis fn enqueue_all<'e>(
            jobs: impl ::core::iter::IntoIterator<Item = Self> + ::core::marker::Send,
            on: impl #krate::EnqueueOn<'e>,
        ) -> impl ::core::future::Future<
            Output = ::core::result::Result<
                ::std::vec::Vec<#krate::Enqueued<Self>>,
                #krate::Error,
            >,
        > + ::core::marker::Send {
            #krate::private::enqueue_all(jobs, on)
        }
    }
}

/// Whether the type is written as `String` is, so that `new` can take a `&str` too.
fn is_string(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    let path = quote!(#path).to_string().replace(' ', "");
    ["String", "std::string::String", "::std::string::String"].contains(&path.as_str())
}
