//! The methods of the payload struct, so that a call site imports nothing but the struct.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Ident;

use super::parts::{is_string, method_at, parameter};
use super::{keys, payload};
use crate::model::{Declaration, ItemHead, StoredArg, Structure};

/// Returns all methods of a payload; those that depend on its declaration come first.
pub(crate) fn helpers(declaration: &Declaration, first: Option<&TokenStream>) -> TokenStream {
    let name = &declaration.item_head.name;
    let template = payload::template(declaration);
    let options = options(&declaration.item_head);
    let keys = keys::functions(declaration);
    quote! {
        #[allow(
            dead_code,
            deprecated,
            private_bounds,
            private_interfaces,
            unreachable_pub,
            clippy::missing_const_for_fn,
            clippy::new_without_default,
            clippy::used_underscore_binding
        )]
        impl #name {
            #template
            #first
            #options
            #keys
        }
    }
}

/// Returns `new` of a struct that the macro writes for a function.
pub(crate) fn new(structure: &Structure, stored: &[StoredArg]) -> TokenStream {
    let Structure { item_head, function, .. } = structure;
    let doc =
        format!(" Creates a job that calls [`{function}`](fn@{function}) with these arguments.");
    new_at(item_head, function, &doc, stored)
}

/// Returns `new` of a struct that derives `Job`.
pub(crate) fn new_of_derived(item_head: &ItemHead, stored: &[StoredArg]) -> TokenStream {
    new_at(item_head, &item_head.name, " Creates a job with these arguments.", stored)
}

fn new_at(
    ItemHead { vis, .. }: &ItemHead,
    place: &Ident,
    doc: &str,
    stored: &[StoredArg],
) -> TokenStream {
    let params = stored.iter().map(|arg| parameter(&arg.name, &arg.ty));
    let fields = stored.iter().map(|arg| {
        let name = &arg.name;
        if is_string(&arg.ty) {
            quote!(#name: ::core::convert::Into::into(#name))
        } else {
            quote!(#name)
        }
    });
    let new = method_at(place, "new");
    quote! {
        #[doc = #doc]
        #[must_use = "a job is only stored when `.enqueue(..)` is awaited"]
        #[allow(clippy::too_many_arguments)]
        #vis fn #new(#(#params),*) -> Self {
            Self { #(#fields),* }
        }
    }
}

/// Returns the methods that enqueue: alone, with options, in bulk.
pub(crate) fn options(item_head: &ItemHead) -> TokenStream {
    let ItemHead { krate, vis, name } = item_head;
    let [enqueue, enqueue_all] = ["enqueue", "enqueue_all"].map(|method| method_at(name, method));
    let with_options = with_options(item_head);
    quote! {
        /// Stores the job through the queue, a pool, a connection, or in the caller's transaction.
        ///
        /// # Errors
        ///
        /// When the payload or its key cannot be stored, or the database fails.
        #vis fn #enqueue<'e>(
            self,
            on: impl #krate::EnqueueOn<'e>,
        ) -> impl ::core::future::Future<
            Output = ::core::result::Result<#krate::Enqueued<Self>, #krate::Error>,
        > + ::core::marker::Send + 'e {
            #krate::Enqueue::new(self).enqueue(on)
        }

        #with_options

        /// Stores any number of jobs together, all or none: as declared, or each with options of
        /// its own.
        ///
        /// # Errors
        ///
        /// When one of them cannot be stored; then none is stored.
        #vis fn #enqueue_all<'e>(
            jobs: impl ::core::iter::IntoIterator<
                Item = impl ::core::convert::Into<#krate::Enqueue<Self>>,
            > + ::core::marker::Send,
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

/// Returns the methods that change one option of a declared job.
fn with_options(ItemHead { krate, vis, name }: &ItemHead) -> TokenStream {
    let named = |method| method_at(name, method);
    let [delay, at, priority, queue] = ["delay", "at", "priority", "queue"].map(named);
    let [retries, unique_key, on_conflict, expires] =
        ["retries", "unique_key", "on_conflict", "expires"].map(named);
    let [tags, timeout, metadata] = ["tags", "timeout", "metadata"].map(named);
    let [unique_for, unique_while] = ["unique_for", "unique_while"].map(named);
    quote! {
        /// Sets a delay: the job is due this long after it is stored.
        #vis fn #delay(self, delay: ::core::time::Duration) -> #krate::Enqueue<Self> {
            #krate::Enqueue::new(self).delay(delay)
        }

        /// Sets the due time.
        #vis fn #at(
            self,
            time: #krate::private::DateTime<#krate::private::Utc>,
        ) -> #krate::Enqueue<Self> {
            #krate::Enqueue::new(self).at(time)
        }

        /// Sets the priority; smaller numbers run first.
        #vis fn #priority(self, priority: ::core::primitive::i16) -> #krate::Enqueue<Self> {
            #krate::Enqueue::new(self).priority(priority)
        }

        /// Sets another queue than the declared one.
        #vis fn #queue(
            self,
            queue: impl ::core::convert::Into<::std::string::String>,
        ) -> #krate::Enqueue<Self> {
            #krate::Enqueue::new(self).queue(queue)
        }

        /// Sets how often this job runs again after a failure.
        #vis fn #retries(self, retries: ::core::primitive::u16) -> #krate::Enqueue<Self> {
            #krate::Enqueue::new(self).retries(retries)
        }

        /// Sets another unique key than the declared one.
        #vis fn #unique_key(
            self,
            key: impl ::core::convert::Into<::std::string::String>,
        ) -> #krate::Enqueue<Self> {
            #krate::Enqueue::new(self).unique_key(key)
        }

        /// Sets what happens if its unique key is taken.
        #vis fn #on_conflict(self, on_conflict: #krate::OnConflict) -> #krate::Enqueue<Self> {
            #krate::Enqueue::new(self).on_conflict(on_conflict)
        }

        /// Sets how long its unique key stays taken, whatever becomes of the job.
        #vis fn #unique_for(self, time: ::core::time::Duration) -> #krate::Enqueue<Self> {
            #krate::Enqueue::new(self).unique_for(time)
        }

        /// Sets in which states a live job holds its unique key.
        #vis fn #unique_while(
            self,
            unique_while: #krate::UniqueWhile,
        ) -> #krate::Enqueue<Self> {
            #krate::Enqueue::new(self).unique_while(unique_while)
        }

        /// Sets how long the job may wait after its due time.
        #vis fn #expires(self, expires: ::core::time::Duration) -> #krate::Enqueue<Self> {
            #krate::Enqueue::new(self).expires(expires)
        }

        /// Adds tags for people.
        #vis fn #tags(
            self,
            tags: impl ::core::iter::IntoIterator<
                Item = impl ::core::convert::Into<::std::string::String>,
            >,
        ) -> #krate::Enqueue<Self> {
            #krate::Enqueue::new(self).tags(tags)
        }

        /// Sets the timeout of one attempt.
        #vis fn #timeout(self, timeout: ::core::time::Duration) -> #krate::Enqueue<Self> {
            #krate::Enqueue::new(self).timeout(timeout)
        }

        /// Attaches metadata, as a JSON object.
        #vis fn #metadata(
            self,
            metadata: impl #krate::private::serde::Serialize,
        ) -> #krate::Enqueue<Self> {
            #krate::Enqueue::new(self).metadata(metadata)
        }
    }
}
