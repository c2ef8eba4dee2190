//! How the worker calls the function: `impl TypedHandler`, for every state that has what it borrows.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use crate::krate::placed;
use crate::model::{Face, JobModel, Output, Param};

pub(crate) fn handler(model: &JobModel) -> TokenStream {
    let Face { krate, function, payload, .. } = &model.face;
    let bounds = state_bounds(model);
    let [job, state, context, error, tx, outcome] =
        ["job", "state", "context", "error", "tx", "outcome"]
            .map(|name| Ident::new(name, Span::mixed_site()));
    let unused = |name: &Ident, used: bool| match used {
        true => quote!(#name),
        false => quote!(_),
    };
    let state_param = unused(&state, model.states().next().is_some());
    let takes = |wanted: fn(&Param) -> bool| model.params.iter().any(wanted);
    let takes_transaction = takes(|param| matches!(param, Param::Transaction));
    let takes_context = takes_transaction || takes(|param| matches!(param, Param::Context));
    let context_param = unused(&context, takes_context);
    let job_param = unused(&job, model.stored().next().is_some());
    let arguments = model.params.iter().map(|param| match param {
        Param::Context => quote!(#context),
        Param::Transaction => quote!(&mut #tx),
        Param::State(ty) => quote!(<S as #krate::Provide<#ty>>::provide(#state)),
        Param::Stored(arg) => {
            let name = &arg.name;
            quote!(#job.#name)
        }
    });
    // The call and its `.await` stand where the return type does: there the compiler says that it
    // is not one of a job.
    let output = model.returned.place;
    let mut called = function.clone();
    called.set_span(output.first.resolved_at(function.span()));
    let called = quote!(#called(#(#arguments),*));
    let awaited = quote_spanned!(output.last=> .await);
    // The method stands where the function's name does: there it says that its future is not `Send`.
    let here = function.span().resolved_at(Span::call_site());
    let at_name = placed(krate, here);
    let run = quote_spanned! {here=>
        async fn run(
            #job_param: Self,
            #state_param: &S,
            #context_param: &#at_name::JobContext,
        ) -> #at_name::Outcome
    };
    let find = quote! {|#error| {
        use #krate::private::DowncastRef as _;
        #error.downcast_ref::<#krate::private::JobError>()
    }};
    // And so does what takes its answer, whose bound is the first that the compiler looks at.
    let first = output.first.resolved_at(Span::call_site());
    let at_output = placed(krate, first);
    let judged = match model.returned.output {
        Output::Nothing | Output::Value(_) => {
            let into_outcome = quote_spanned!(first=> #at_output::private::into_outcome);
            let mut answer = Group::new(Delimiter::Parenthesis, quote!(#called #awaited, #find));
            answer.set_span(output.last.resolved_at(Span::call_site()));
            quote!(#into_outcome #answer)
        }
        // The declaration of the payload's `Output` has the bound.
        Output::Of(_) => quote! {{
            use #krate::private::{ReturnedFallback as _, ReturnedOutcome as _};
            #krate::private::Returned(#called #awaited).into_outcome(#find)
        }},
    };
    let body = match takes_transaction {
        false => judged,
        true => quote! {
            let mut #tx = match #krate::private::begin(#context).await {
                ::core::result::Result::Ok(#tx) => #tx,
                ::core::result::Result::Err(#outcome) => return #outcome,
            };
            let #outcome = #judged;
            #krate::private::finish(#context, #tx, #outcome).await
        },
    };
    quote! {
        #[automatically_derived]
        #[allow(deprecated, private_bounds, clippy::used_underscore_binding)]
        impl<S> #krate::TypedHandler<S> for #payload
        where
            S: #bounds,
        {
            #run {
                #body
            }
        }
    }
}

/// What a state has to be, to run this job.
pub(crate) fn state_bounds(model: &JobModel) -> TokenStream {
    let krate = &model.face.krate;
    let provides = model.states().map(|ty| quote_spanned!(ty.span()=> #krate::Provide<#ty> +));
    quote!(#(#provides)* ::core::marker::Send + ::core::marker::Sync + 'static)
}
