//! What an operator does through `SimpleQueue::admin`.

mod acts;
mod bulk;
mod count;
mod doctor;
mod edit;
mod find;
mod groups;
mod sizes;
