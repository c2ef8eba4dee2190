//! Pieces of pages.

mod bits;
mod chart;
mod fields;
mod form;
mod frame;
mod json;
mod state;
mod terms;
mod when;

pub(crate) use bits::{
    back, empty, facts, job_link, kind_link, number, of_share, pause_words, queue_link, tile,
};
pub(crate) use chart::{Bars, bars, latencies, sparkline};
pub(crate) use fields::{fields, payload_of};
pub(crate) use form::{act_button, hidden, pause_form, pick_range};
pub(crate) use frame::{Frame, Tab, bare_page, page_of};
pub(crate) use json::tree;
pub(crate) use state::{State, badge, end_words, state_of};
pub(crate) use terms::{state_word, terms, with_state, without_term};
pub(crate) use when::{lasting, parse_when, time};
