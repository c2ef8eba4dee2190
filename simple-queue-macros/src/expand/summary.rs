//! How a job runs, told in the documentation of its struct.

use quote::quote;

use crate::model::{Attempts, Curve, Face, JobModel, Options, Piece, Preset, Queue, Unique};
use crate::parse::item::plain;
use crate::validate::shown;

/// The sentence that tells, in the struct's documentation, how the job runs.
pub(crate) fn summary(model: &JobModel) -> String {
    let Face { function, .. } = &model.face;
    let mut parts = Vec::new();
    parts.push(match &model.queue {
        Queue::Name(name) => format!("queue `{name}`"),
        Queue::Const(path) => format!("queue `{}`", shown(path)),
    });
    let Options { attempts, backoff, timeout, delay, expires, priority } = &model.options;
    let backoff = backoff.as_ref().map(|backoff| curve(&backoff.curve));
    match (attempts, backoff) {
        (None, None) => {}
        (None, Some(backoff)) => parts.push(backoff),
        (Some(Attempts(1)), _) => parts.push("never retried".to_owned()),
        (Some(Attempts(count)), backoff) => {
            let retries = count - 1;
            let plural = if retries == 1 { "retry" } else { "retries" };
            let backoff = backoff.map(|backoff| format!(" ({backoff})")).unwrap_or_default();
            parts.push(format!("{retries} {plural}{backoff}"));
        }
    }
    match &model.unique {
        Unique::No => {}
        Unique::AllArguments => parts.push("unique by all arguments".to_owned()),
        Unique::By(by) if by.is_empty() => parts.push("one at a time".to_owned()),
        Unique::By(by) => {
            let names = model.stored().enumerate().filter(|(number, _)| by.contains(number));
            let names: Vec<String> =
                names.map(|(_, arg)| format!("`{}`", plain(&arg.name))).collect();
            parts.push(format!("unique by {}", names.join(" and ")));
        }
        Unique::Key(pieces) => parts.push(format!("unique `{}`", template(pieces))),
    }
    let fingerprint = model.fingerprint.as_deref().map(template);
    parts.extend(fingerprint.map(|fingerprint| format!("fingerprint `{fingerprint}`")));
    parts.extend(delay.map(|delay| format!("due after {delay:?}")));
    parts.extend(expires.map(|expires| format!("expires after {expires:?}")));
    parts.extend(timeout.map(|timeout| format!("timeout {timeout:?}")));
    parts.extend(priority.map(|priority| format!("priority {priority}")));
    let parts = parts.join(", ");
    format!(" Stored arguments of the job [`{function}`](fn@{function}): {parts}.")
}

/// The template, as it was written.
fn template(pieces: &[Piece]) -> String {
    let shown = pieces.iter().map(|piece| match piece {
        Piece::Text(text) => text.replace('{', "{{").replace('}', "}}"),
        Piece::Field { path, .. } => {
            let path = path.iter().map(|member| quote!(#member).to_string()).collect::<Vec<_>>();
            format!("{{{}}}", path.join(".").replace("r#", ""))
        }
    });
    shown.collect()
}

fn curve(curve: &Curve) -> String {
    match curve {
        Curve::Preset(Preset::Exponential) | Curve::Exponential { .. } => {
            "exponential backoff".to_owned()
        }
        Curve::Preset(Preset::Linear) | Curve::Linear(_) => "linear backoff".to_owned(),
        Curve::Preset(Preset::Fixed) | Curve::Fixed(_) => "fixed backoff".to_owned(),
        Curve::Preset(Preset::None) => "no backoff".to_owned(),
        Curve::Custom(path) => format!("backoff by `{}`", shown(path)),
    }
}
