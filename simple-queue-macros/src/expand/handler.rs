//! The worker's call of the function: `impl TypedHandler` for every state that provides what it
//! borrows.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use super::parts::method_at;
use crate::krate::placed;
use crate::model::{Handler, ItemHead, Output, Param};

/// Names in the generated code, which cannot collide with the user's.
struct Names {
    job: Ident,
    state: Ident,
    context: Ident,
    error: Ident,
    tx: Ident,
    outcome: Ident,
}

impl Names {
    fn at(place: Span) -> Self {
        let named = |name: &str| Ident::new(name, place.resolved_at(Span::mixed_site()));
        Self {
            job: named("job"),
            state: named("state"),
            context: named("context"),
            error: named("error"),
            tx: named("tx"),
            outcome: named("outcome"),
        }
    }
}

/// The type that the handler is implemented for.
pub(crate) enum Subject<'a> {
    /// The payload, which the macro writes for the function.
    Payload,
    /// A struct that represents the handler of this payload.
    Handler(&'a Type),
    /// A payload that is declared elsewhere.
    Declared(&'a Type),
}

/// Returns `impl TypedHandler`.
pub(crate) fn impl_typed_handler(handler: &Handler, subject: &Subject<'_>) -> TokenStream {
    let Handler { item_head: ItemHead { krate, .. }, function, params, .. } = handler;
    let names = Names::at(Span::mixed_site());
    let Names { job, state, context, tx, outcome, .. } = &names;
    let name = &handler.item_head.name;
    let payload = subject.payload();
    let subject_name = subject.name(name);
    let bounds = state_bounds(handler);
    let declared = subject.declared(krate);
    let unused = |name: &Ident, used: bool| if used { quote!(#name) } else { quote!(_) };
    let takes = |wanted: fn(&Param) -> bool| params.iter().any(wanted);
    let takes_transaction = takes(|param| matches!(param, Param::Transaction));
    let takes_context = takes_transaction || takes(|param| matches!(param, Param::Context));
    let job_param = unused(job, takes(|param| matches!(param, Param::Stored(_) | Param::Payload)));
    let state_param = unused(state, takes(|param| matches!(param, Param::State(_))));
    let context_param = unused(context, takes_context);
    // The trait and its method have the span of the function's name. There the compiler reports a
    // value that a state does not provide, and a future that is not `Send`.
    let here = function.span().resolved_at(Span::call_site());
    let at_name = placed(krate, here);
    let run = quote_spanned! {here=>
        async fn run(
            #job_param: #payload,
            #state_param: &__State,
            #context_param: &#at_name::JobContext,
        ) -> #at_name::typed::Outcome
    };
    let at_function = placed(krate, function.span());
    let typed_handler =
        quote_spanned!(function.span()=> #at_function::typed::TypedHandler<__State>);
    let called = called_outcome(handler, subject, &names);
    let body = if takes_transaction {
        quote! {
            let mut #tx = match #krate::private::begin(#context).await {
                ::core::result::Result::Ok(#tx) => #tx,
                ::core::result::Result::Err(#outcome) => return #outcome,
            };
            let #outcome = #called;
            #krate::private::finish(#context, #tx, #outcome).await
        }
    } else {
        called
    };
    let in_transaction = takes_transaction.then(|| {
        quote!(
            const IN_TRANSACTION: ::core::primitive::bool = true;
        )
    });
    let strategy = strategy(handler);
    let exhausted = exhausted(handler, &payload);
    quote! {
        #[automatically_derived]
        #[allow(deprecated, private_bounds, clippy::used_underscore_binding)]
        impl<__State> #typed_handler for #subject_name
        where
            #declared
            __State: #bounds,
        {
            #in_transaction
            #strategy
            #run {
                #body
            }
            #exhausted
        }
    }
}

impl Subject<'_> {
    /// Returns the name of the type.
    pub(crate) fn name(&self, name: &Ident) -> TokenStream {
        match self {
            Self::Payload | Self::Handler(_) => quote!(#name),
            Self::Declared(ty) => quote!(#ty),
        }
    }

    /// This bound makes the impl valid for any type, so that only the bound reports a type that is
    /// not a payload.
    fn declared(&self, krate: &TokenStream) -> Option<TokenStream> {
        let Self::Declared(ty) = self else { return None };
        let krate = placed(krate, ty.span());
        Some(quote_spanned!(ty.span()=> #ty: #krate::typed::JobPayload,))
    }

    /// Returns the payload's type as its impls write it.
    fn payload(&self) -> TokenStream {
        match self {
            Self::Payload => quote!(Self),
            Self::Handler(ty) | Self::Declared(ty) => quote!(#ty),
        }
    }
}

/// Returns the call of the function and the conversion of its result into an outcome.
fn called_outcome(handler: &Handler, subject: &Subject<'_>, names: &Names) -> TokenStream {
    let Names { job, state, context, error, tx, .. } = names;
    let Handler { item_head: ItemHead { krate, .. }, function, params, returned, .. } = handler;
    let arguments = params.iter().map(|param| match param {
        Param::Context => quote!(#context),
        Param::Transaction => quote!(&mut #tx),
        Param::State(ty) => quote!(<__State as #krate::typed::Provide<#ty>>::provide(#state)),
        Param::Stored(name) => quote!(#job.#name),
        Param::Payload => quote!(#job),
    });
    // The call and its `.await` have the span of the return type. There the compiler reports a type
    // that no job can return.
    let output = returned.place;
    let mut called = function.clone();
    called.set_span(output.first.resolved_at(function.span()));
    let called = quote!(#called(#(#arguments),*));
    let awaited = quote_spanned!(output.last=> .await);
    let find = quote! {|#error| {
        use #krate::private::DowncastRef as _;
        #error.downcast_ref::<#krate::private::JobError>()
    }};
    // So has the conversion of the result, whose bound the compiler checks first.
    let first = output.first.resolved_at(Span::call_site());
    let at_output = placed(krate, first);
    match (&returned.output, subject) {
        // The declaration of the payload's `Output` has the bound.
        (Output::Of(_), Subject::Payload) => quote! {{
            use #krate::private::{ReturnedFallback as _, ReturnedOutcome as _};
            #krate::private::Returned(#called #awaited).into_outcome(#find)
        }},
        _ => {
            let into_outcome = quote_spanned!(first=> #at_output::private::into_outcome);
            let mut answer = Group::new(Delimiter::Parenthesis, quote!(#called #awaited, #find));
            answer.set_span(output.last.resolved_at(Span::call_site()));
            quote!(#into_outcome #answer)
        }
    }
}

/// Returns the function that makes a handler with its state.
pub(crate) fn handler_fn(handler: &Handler, subject: &Subject<'_>) -> TokenStream {
    let ItemHead { krate, vis, .. } = &handler.item_head;
    let handler_fn = method_at(&handler.function, "handler");
    let declared = subject.declared(krate);
    let bounds = state_bounds(handler);
    quote! {
        /// Creates the handler of this job with its state, to be registered by hand.
        #[must_use]
        #vis fn #handler_fn<__State>(state: ::std::sync::Arc<__State>) -> #krate::typed::StatefulHandler<Self, __State>
        where
            #declared
            __State: #bounds,
        {
            #krate::typed::StatefulHandler::new(state)
        }
    }
}

/// Returns code that compiles only if the function's result type is the declared `output`.
pub(crate) fn output_check(handler: &Handler, payload: &Type) -> TokenStream {
    let krate = &handler.item_head.krate;
    let kept = match &handler.returned.output {
        Output::Nothing => quote!(Kept::<()>),
        Output::Value(ty) => quote!(Kept::<#ty>),
        Output::Of(ty) => quote!(KeptOf::<#ty>),
    };
    let place = handler.returned.place.first.resolved_at(Span::call_site());
    let at_output = placed(krate, place);
    let check = quote_spanned! {place=>
        (&#at_output::private::OutputAgreement::<#payload, #at_output::private::#kept>::NEW).check_output()
    };
    quote! {
        #[allow(deprecated)]
        const _: fn() = || {
            use #krate::private::{OutputCheckFallback as _, OutputCheck as _};
            #check;
        };
    }
}

/// Returns the bounds of a state that can run this job.
pub(crate) fn state_bounds(handler: &Handler) -> TokenStream {
    let krate = &handler.item_head.krate;
    let provides = handler.states().map(|ty| {
        let at_type = placed(krate, ty.span());
        quote_spanned!(ty.span()=> #at_type::private::ProvideTo<Self, #ty> +)
    });
    quote!(#(#provides)* ::core::marker::Send + ::core::marker::Sync + 'static)
}

fn strategy(handler: &Handler) -> Option<TokenStream> {
    let krate = &handler.item_head.krate;
    handler.strategy.as_ref().map(|path| {
        let borrowed = quote_spanned!(path.span()=> &#path);
        quote! {
            const STRATEGY: ::core::option::Option<&'static dyn #krate::sync::JobStrategy> =
                ::core::option::Option::Some(#borrowed);
        }
    })
}

/// The call of the user's function has the span of its path. There the compiler reports what is
/// wrong with it.
fn exhausted(handler: &Handler, payload: &TokenStream) -> Option<TokenStream> {
    let krate = &handler.item_head.krate;
    handler.on_exhausted.as_ref().map(|path| {
        let place = path.span().resolved_at(Span::call_site());
        let Names { job, context, error, .. } = Names::at(place);
        let at_path = placed(krate, place);
        let answer = quote_spanned! {place=>
            #at_path::private::exhausted(#path(#job, #context, #error).await)
        };
        let head = quote_spanned! {place=>
            async fn exhausted(
                #job: #payload,
                #context: &#at_path::JobContext,
                #error: &::core::primitive::str,
            ) -> ::core::result::Result<(), #at_path::BoxDynError>
        };
        quote!(#head { #answer })
    })
}
