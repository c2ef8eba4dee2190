//! Code that the macros accept.

mod arguments_with_cfg;
mod conditional;
mod crate_path;
mod every_argument;
mod every_backoff;
mod every_key;
mod every_option;
mod every_result;
mod inside_a_function;
mod job_defaults;
mod made_by_macro_rules;
mod private_types;
mod raw_identifiers;
mod schedules;
mod shadowed_names;
mod shared_state;
mod split_form;
mod stored_arguments;
