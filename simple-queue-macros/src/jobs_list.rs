//! `jobs![…]`: the jobs that a process runs, as one value whose type the compiler checks against
//! the state. The list becomes a balanced tree of pairs, so the compiler's recursion depth grows
//! with the logarithm of its length.

use heck::ToUpperCamelCase;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Path, Token};

use crate::errors::Errors;
use crate::krate;
use crate::parse::item::plain;

/// The content of the list.
struct List {
    /// The path of the library, for crates that re-export it: `crate = path` before the jobs.
    krate: Option<Path>,
    jobs: Punctuated<Path, Token![,]>,
}

impl Parse for List {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let mut krate = None;
        if input.peek(Token![crate]) && input.peek2(Token![=]) {
            input.parse::<Token![crate]>()?;
            input.parse::<Token![=]>()?;
            krate = Some(Path::parse_mod_style(input)?);
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(Self { krate, jobs: Punctuated::parse_terminated(input)? })
    }
}

pub(crate) fn jobs(list: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let (given, jobs) = match List::parse.parse2(list) {
        Ok(List { krate, jobs }) => (krate, valid(jobs, &mut errors)),
        Err(error) => {
            errors.push(error);
            (None, Vec::new())
        }
    };

    let krate = given.map_or_else(krate::found, Path::into_token_stream);
    // A type that is not a job is reported here and skipped in the tree.
    let declarations = jobs.iter().map(|job| {
        let krate = krate::placed(&krate, job.span());
        quote_spanned!(job.span()=> #krate::private::entry::<#job>().declaration())
    });
    let tree = tree(&jobs, &krate);
    let errors = errors.into_compile_errors();
    quote! {{
        #errors
        #[allow(unused_imports)]
        use #krate::private::{ListedFallback as _, ListedJob as _};
        const _: () = {
            let declarations = [#(#declarations),*];
            #krate::private::assert_distinct_kinds(&declarations);
            #krate::private::assert_equal_limits(&declarations);
        };
        #krate::private::JobList::new(#tree)
    }}
}

/// Returns the paths that can be jobs; the others are reported.
fn valid(jobs: impl IntoIterator<Item = Path>, errors: &mut Errors) -> Vec<Path> {
    let mut valid: Vec<Path> = Vec::new();
    for job in jobs {
        let Some(last) = job.segments.last() else {
            continue;
        };
        let name = plain(&last.ident);
        let payload = name.to_upper_camel_case();
        let is_function = name.starts_with(|first: char| first.is_lowercase() || first == '_');
        if is_function {
            let message = format!("`{name}` is the function; name its payload struct: `{payload}`");
            errors.on(&job, message);
        } else if valid
            .iter()
            .any(|other| other.to_token_stream().to_string() == job.to_token_stream().to_string())
        {
            errors.on(&job, format!("`{name}` is in this list twice"));
        } else {
            valid.push(job);
        }
    }
    valid
}

/// Halves the list until one job is left: `((a, b), (c, d))`.
fn tree(jobs: &[Path], krate: &TokenStream) -> TokenStream {
    match jobs {
        [] => quote!(()),
        [job] => quote!((&#krate::private::Listed::<#job>::NEW).listed()),
        _ => {
            let (left, right) = jobs.split_at(jobs.len() / 2);
            let (left, right) = (tree(left, krate), tree(right, krate));
            quote!((#left, #right))
        }
    }
}
