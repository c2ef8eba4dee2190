//! A struct that derives `Job`: it is the payload itself.

use heck::ToSnakeCase;
use syn::{Data, DeriveInput, Field, Fields, Meta, Type};

use super::declaration::{Subject, declaration};
use super::field::{self, FieldAttrs};
use super::library;
use super::params::{self, Known, Role};
use super::values;
use crate::errors::Errors;
use crate::model::{Declaration, ItemHead, Output, StoredArg, StubArg};
use crate::parse::args::{Args, OutputArgs};
use crate::parse::attribute;
use crate::parse::form::Form;
use crate::parse::form::is_job;
use crate::parse::item::plain;
use crate::parse::list::Arg;

/// Result for a struct.
pub(crate) enum Derived {
    Job(Box<Declaration>),
    /// Its fields, or their kind, were refused.
    Stub(ItemHead, Vec<StubArg>),
    /// A generic struct cannot be named in impls.
    Nothing,
}

pub(crate) fn derived(item: DeriveInput, errors: &mut Errors) -> Derived {
    let Args { declaration: declared, schedule, handler: _, structure: _, output, library } =
        arguments(&item, errors);
    let OutputArgs { output } = output;
    let krate = self::library(&library, errors);
    let output =
        output.and_then(|arg| output_type(&arg, errors)).map_or(Output::Nothing, Output::Value);
    let DeriveInput { ident, vis, generics, data, .. } = item;
    if !generics.params.is_empty() {
        let message = "a job cannot be generic: its arguments must have one known type \
                       to be read back from the database";
        errors.on(&generics.params, message);
        return Derived::Nothing;
    }
    let place = ident.span();
    let item_head = ItemHead { krate, name: ident, vis };
    let Some(fields) = named_fields(data, errors) else {
        return Derived::Stub(item_head, Vec::new());
    };
    let before = errors.count();
    let mut stored = Vec::new();
    let mut known = Vec::new();
    let mut guessed = Vec::new();
    for field in fields {
        let refused = errors.count();
        let name = field.ident.as_ref().map(plain).unwrap_or_default();
        let arg = stored_field(field, errors);
        guessed.push(match &arg {
            Some(StoredArg { name, ty, .. }) => {
                StubArg::Stored { name: name.clone(), ty: Box::new(ty.clone()) }
            }
            None => StubArg::Anything,
        });
        stored.extend(arg);
        let role = if errors.count() == refused { Role::Stored } else { Role::Refused };
        known.push(Known { name, role });
    }
    field::refuse_shared_names(&mut stored, errors);
    let valid = errors.count() == before;
    let called = plain(&item_head.name);
    let kind = called.to_snake_case();
    let subject = Subject {
        item_head: item_head.clone(),
        place,
        called: &called,
        kind,
        known: &known,
        stored,
        output,
    };
    let declaration = declaration(declared, schedule, subject, errors);
    if valid { Derived::Job(Box::new(declaration)) } else { Derived::Stub(item_head, guessed) }
}

/// Reads every `#[job(…)]` on the struct.
fn arguments(item: &DeriveInput, errors: &mut Errors) -> Args {
    let mut lists = Vec::new();
    for attr in item.attrs.iter().filter(|attr| is_job(&attr.meta)) {
        match &attr.meta {
            Meta::List(list) => lists.push(list.tokens.clone()),
            Meta::Path(_) | Meta::NameValue(_) => {
                errors.on(attr, "expected options of the job, like `#[job(queue = \"emails\")]`");
            }
        }
    }
    attribute::parse(lists, Form::Struct, errors)
}

fn output_type(arg: &Arg, errors: &mut Errors) -> Option<Type> {
    let tokens = values::tokens(arg, errors)?;
    let ty = syn::parse2::<Type>(tokens.clone()).ok();
    if ty.is_none() {
        errors.on(tokens, format!("expected a type, like `{}`", arg.example));
    }
    ty
}

/// The fields of a struct that has named fields or none.
fn named_fields(data: Data, errors: &mut Errors) -> Option<Vec<Field>> {
    let message = "`Job` is derived for a struct: each of its fields is a stored argument";
    match data {
        Data::Struct(data) => match data.fields {
            Fields::Named(fields) => return Some(fields.named.into_iter().collect()),
            Fields::Unit => return Some(Vec::new()),
            Fields::Unnamed(fields) => {
                let message = "the stored arguments of a job need names\
                               \n\nhelp: write them between braces, like `{ user_id: i64 }`";
                errors.on(fields, message);
            }
        },
        Data::Enum(data) => errors.on(data.enum_token, message),
        Data::Union(data) => errors.on(data.union_token, message),
    }
    None
}

fn stored_field(field: Field, errors: &mut Errors) -> Option<StoredArg> {
    let FieldAttrs { docs, options, .. } = field::field_attrs(&field.attrs, errors);
    let name = field.ident?;
    params::is_storable(&field.ty, errors).then_some(StoredArg {
        name,
        ty: field.ty,
        docs,
        options,
    })
}
