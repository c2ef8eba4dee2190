//! A list between parentheses, `key, key = value, key(…)`: known keys, each at most once. Values
//! are not checked yet.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};

use crate::errors::Errors;

/// One argument, as written.
pub(crate) struct Arg {
    pub(crate) key: Ident,
    pub(crate) value: Value,
    /// The correct form, for messages.
    pub(crate) example: &'static str,
    /// The argument comes from the job's module, not from the job.
    pub(crate) inherited: bool,
}

impl ToTokens for Arg {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let key = &self.key;
        tokens.extend(match &self.value {
            Value::Flag => quote!(#key),
            Value::Equals(value) => quote!(#key = #value),
            Value::List(list) => quote!(#key #list),
        });
    }
}

pub(crate) enum Value {
    /// `unique`
    Flag,
    /// `queue = "emails"`
    Equals(TokenStream),
    /// `unique(by = [user_id])`
    List(Group),
}

/// The keys of one kind of list; `arguments!` writes the impl.
pub(crate) trait Table: Default {
    fn keys() -> Vec<&'static str>;

    fn slot(&mut self, key: &str) -> Option<&mut Option<Arg>>;

    /// Returns the correct form of an argument, for messages.
    fn example(key: &str) -> &'static str;

    /// Returns the arguments that were given.
    fn given(&self) -> Vec<&Arg>;

    /// Takes the argument. The caller supplies the message for unknown keys.
    fn put(&mut self, arg: Arg, unknown: &dyn Fn(&str) -> String, errors: &mut Errors) {
        let key = arg.key.to_string();
        match self.slot(&key) {
            None => errors.at(arg.key.span(), unknown(&key)),
            Some(Some(_)) => errors.at(arg.key.span(), format!("argument `{key}` given twice")),
            Some(slot @ None) => *slot = Some(arg),
        }
    }
}

/// Declares every key of a list once: its field, its name, and an example of its use.
macro_rules! arguments {
    (
        $(#[$about:meta])*
        $table:ident else $other:literal,
        $($(#[$doc:meta])* $field:ident: $key:literal like $example:literal,)*
    ) => {
        $(#[$about])*
        #[derive(Default)]
        pub(crate) struct $table {
            $($(#[$doc])* pub(crate) $field: Option<Arg>,)*
        }

        impl Table for $table {
            fn keys() -> Vec<&'static str> {
                vec![$($key),*]
            }

            fn slot(&mut self, key: &str) -> Option<&mut Option<Arg>> {
                match key {
                    $($key => Some(&mut self.$field),)*
                    _ => None,
                }
            }

            fn example(key: &str) -> &'static str {
                match key {
                    $($key => $example,)*
                    _ => $other,
                }
            }

            fn given(&self) -> Vec<&Arg> {
                [$(&self.$field),*].into_iter().flatten().collect()
            }
        }
    };
}
pub(super) use arguments;

/// Formats keys for a message.
pub(crate) fn in_a_row<'a>(keys: impl IntoIterator<Item = &'a str>) -> String {
    keys.into_iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
}

/// A list whose keys are names of the user's.
#[cfg(feature = "cron")]
#[derive(Default)]
struct AnyName;

#[cfg(feature = "cron")]
impl Table for AnyName {
    fn keys() -> Vec<&'static str> {
        Vec::new()
    }

    fn slot(&mut self, _key: &str) -> Option<&mut Option<Arg>> {
        None
    }

    fn example(_key: &str) -> &'static str {
        "region = \"eu\""
    }

    fn given(&self) -> Vec<&Arg> {
        Vec::new()
    }
}

/// Reads a list whose keys are names of the user's.
#[cfg(feature = "cron")]
pub(crate) fn arguments_of_any_name(tokens: TokenStream, errors: &mut Errors) -> Vec<Arg> {
    let split = split_at_commas(tokens, errors);
    split.into_iter().filter_map(|tokens| argument::<AnyName>(tokens, errors)).collect()
}

/// Splits the tokens into arguments. A comma that is missing before the next `key =` is reported
/// and then assumed.
pub(crate) fn split_at_commas(tokens: TokenStream, errors: &mut Errors) -> Vec<Vec<TokenTree>> {
    let mut arguments = vec![Vec::new()];
    let mut generics = Generics::default();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let current = arguments.last_mut().expect("it starts with one and only grows");
        generics.pass(current.last(), &token);
        match &token {
            TokenTree::Punct(punct) if punct.as_char() == ',' && generics.depth == 0 => {
                if current.is_empty() {
                    errors.at(punct.span(), "expected an argument before this comma");
                }
                arguments.push(Vec::new());
            }
            TokenTree::Ident(key)
                if current.len() > 2 && is_equals(current.get(1)) && is_equals(tokens.peek()) =>
            {
                errors.at(key.span(), format!("expected a comma before `{key}`"));
                arguments.push(vec![token]);
            }
            _ => current.push(token),
        }
    }
    arguments.retain(|tokens| !tokens.is_empty());
    arguments
}

/// The depth within `::<…>`: a comma there belongs to the value.
#[derive(Default)]
struct Generics {
    depth: usize,
}

impl Generics {
    fn pass(&mut self, before: Option<&TokenTree>, token: &TokenTree) {
        let follows = |signs: &str| matches!(before, Some(TokenTree::Punct(sign)) if signs.contains(sign.as_char()));
        match token {
            TokenTree::Punct(sign) if sign.as_char() == '<' && (self.depth > 0 || follows(":")) => {
                self.depth += 1;
            }
            TokenTree::Punct(sign) if sign.as_char() == '>' && !follows("-=") => {
                self.depth = self.depth.saturating_sub(1);
            }
            _ => {}
        }
    }
}

/// One argument of a list of this kind.
pub(crate) fn argument<T: Table>(tokens: Vec<TokenTree>, errors: &mut Errors) -> Option<Arg> {
    let mut tokens = tokens.into_iter();
    let key = match tokens.next() {
        Some(TokenTree::Ident(key)) => key,
        Some(other) => {
            let rest: TokenStream = std::iter::once(other).chain(tokens).collect();
            errors.on(rest, format!("expected an argument, like `{}`", T::example("")));
            return None;
        }
        None => return None,
    };

    let name = key.to_string();
    let example = T::example(&name);
    let value = match (tokens.next(), tokens.len()) {
        (None, _) => Value::Flag,
        (Some(TokenTree::Group(list)), 0) if list.delimiter() == Delimiter::Parenthesis => {
            Value::List(list)
        }
        (Some(equals), rest) if is_equals(Some(&equals)) => {
            if rest == 0 {
                errors.at(key.span(), format!("`{name}` needs a value, like `{example}`"));
                return None;
            }
            Value::Equals(ungrouped(tokens.collect()))
        }
        (Some(other), _) => {
            errors.at(other.span(), format!("expected `=` after `{name}`, like `{example}`"));
            return None;
        }
    };
    Some(Arg { key, value, example, inherited: false })
}

/// Returns the tokens without the invisible group in which a macro passes a value.
fn ungrouped(tokens: TokenStream) -> TokenStream {
    let mut within = tokens.clone().into_iter();
    match (within.next(), within.next()) {
        (Some(TokenTree::Group(group)), None) if group.delimiter() == Delimiter::None => {
            ungrouped(group.stream())
        }
        _ => tokens,
    }
}

fn is_equals(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == '=')
}
