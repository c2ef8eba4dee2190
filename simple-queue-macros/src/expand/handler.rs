//! How the worker calls the function: `impl TypedHandler`, for every state that has what it borrows.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use crate::krate::placed;
use crate::model::{Face, JobModel, Param};

pub(crate) fn handler(model: &JobModel) -> TokenStream {
    let Face { krate, function, payload, .. } = &model.face;
    let bounds = state_bounds(model);
    let [state, context, error] =
        ["state", "context", "error"].map(|name| Ident::new(name, Span::mixed_site()));
    let unused = |name: &Ident, used: bool| match used {
        true => quote!(#name),
        false => quote!(_),
    };
    let state_param = unused(&state, model.states().next().is_some());
    let takes_context = model.params.iter().any(|param| matches!(param, Param::Context));
    let context_param = unused(&context, takes_context);
    let arguments = model.params.iter().map(|param| match param {
        Param::Context => quote!(#context),
        Param::State(ty) => quote!(<S as #krate::Provide<#ty>>::provide(#state)),
        Param::Stored(arg) => {
            let name = &arg.name;
            quote!(self.#name)
        }
    });
    // The call and its `.await` stand where the return type does: there the compiler says that it
    // is not one of a job.
    let output = model.output;
    let mut called = function.clone();
    called.set_span(output.first.resolved_at(function.span()));
    let called = quote!(#called(#(#arguments),*));
    let awaited = quote_spanned!(output.last=> .await);
    // The method stands where the function's name does: there it says that its future is not `Send`.
    let here = function.span().resolved_at(Span::call_site());
    let placed = placed(krate, here);
    let run = quote_spanned! {here=>
        async fn run(self, #state_param: &S, #context_param: &#placed::JobContext) -> #placed::Outcome
    };
    quote! {
        #[automatically_derived]
        #[allow(deprecated, private_bounds, clippy::used_underscore_binding)]
        impl<S> #krate::TypedHandler<S> for #payload
        where
            S: #bounds,
        {
            #run {
                #krate::private::into_outcome(#called #awaited, |#error| {
                    use #krate::private::DowncastRef as _;
                    #error.downcast_ref::<#krate::private::JobError>()
                })
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
