//! Formats tokens as a person would write them, whatever spaces the compiler uses. Messages show
//! them, and the declaration has the types of arguments in this form, which is compared between
//! builds.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use quote::ToTokens;

pub(crate) fn shown(tokens: impl ToTokens) -> String {
    let mut shown = Shown::default();
    shown.tokens(tokens.to_token_stream());
    shown.text
}

#[derive(Default)]
struct Shown {
    text: String,
    /// A space follows, unless a bracket closes.
    gap: bool,
    /// The last token is half of an operator.
    joint: bool,
    /// The last token, if it is a word; a lifetime's with its quote.
    word: Option<String>,
}

impl Shown {
    fn tokens(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => {
                    let (open, close) = match group.delimiter() {
                        Delimiter::Parenthesis => ("(", ")"),
                        Delimiter::Brace => ("{", "}"),
                        Delimiter::Bracket => ("[", "]"),
                        Delimiter::None => ("", ""),
                    };
                    self.gap |= self.stands_apart();
                    self.push(open);
                    self.tokens(group.stream());
                    self.gap = false;
                    self.push(close);
                }
                TokenTree::Punct(sign) => self.sign(sign.as_char(), sign.spacing()),
                word => {
                    self.gap |= self.word.is_some();
                    let quote = if self.text.ends_with('\'') { "'" } else { "" };
                    self.push(&word.to_string());
                    self.word = Some(format!("{quote}{word}"));
                }
            }
        }
    }

    fn sign(&mut self, sign: char, spacing: Spacing) {
        let apart = !self.joint && "=+-".contains(sign);
        self.gap = match sign {
            '>' | ',' | ';' => false,
            _ => self.gap || apart || self.stands_apart(),
        };
        self.push(sign.encode_utf8(&mut [0; 4]));
        self.joint = spacing == Spacing::Joint;
        self.gap = match sign {
            ',' | ';' => true,
            '>' => self.text.ends_with("->"),
            _ => apart && !self.joint,
        };
    }

    fn push(&mut self, text: &str) {
        if std::mem::take(&mut self.gap) {
            self.text.push(' ');
        }
        self.text.push_str(text);
        self.joint = false;
        self.word = None;
    }

    /// Returns whether the next token is separate from the last word, unlike a path or a list.
    fn stands_apart(&self) -> bool {
        let is_apart =
            |word: &str| word.starts_with('\'') || ["dyn", "impl", "mut", "const"].contains(&word);
        self.word.as_deref().is_some_and(is_apart)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_written_as_the_formatter_would() {
        for ty in [
            "Vec<Option<std::string::String>>",
            "&'static [(a::B<C>, &mut [D; 2])]",
            "(u8,)",
            "HashMap<String, fn(i32, &str) -> Result<u8, ()>>",
            "Box<dyn ::a::Clock + Send + 'static>",
            "<A as B<Item = u8>>::C",
            "*const u8",
            "A<B, C,>",
            "r#type",
        ] {
            assert_eq!(shown(ty.parse::<TokenStream>().unwrap()), ty);
        }
    }

    #[test]
    fn spaces_that_the_compiler_adds_are_left_out() {
        let tokens: TokenStream = "Vec < Option < & 'static str > >".parse().unwrap();
        assert_eq!(shown(tokens), "Vec<Option<&'static str>>");
    }
}
