//! Parts to a [`JobModel`]: everything that can be wrong with a job and seen in its tokens is
//! refused here, each mistake once. What only the compiler can see (types, traits, constants) is
//! left to the code that [`expand`](crate::expand) writes.

mod backoff;
mod duration;
mod face;
mod field;
mod keys;
mod names;
mod options;
mod params;
mod signature;
mod template;
mod types;
mod values;

use self::signature::Standing;
use crate::errors::Errors;
use crate::krate;
use crate::model::{Face, JobModel, Options, StubModel, Unique};
use crate::parse::args::Args;
use crate::parse::item::{Function, plain};

pub(crate) use values::shown;

pub(crate) enum Validated {
    /// All that concerns the signature is right. Arguments of the attribute that were refused are
    /// left out, so that the job can still be used.
    Job(Box<JobModel>),
    /// The signature was refused.
    Stub(Box<StubModel>),
    /// There is no place for a struct, or no name for it.
    Nothing,
}

pub(crate) fn job(args: Args, function: Function, errors: &mut Errors) -> Validated {
    // Taken apart in full: an argument that is added to `Args` has to be used here.
    let Args {
        name,
        queue,
        retries,
        max_attempts,
        backoff,
        unique,
        fingerprint,
        timeout,
        delay,
        expires,
        priority,
        aliases,
        payload,
        derive,
        krate,
    } = args;

    let krate = krate.and_then(|arg| names::krate(&arg, errors)).unwrap_or_else(krate::found);
    let kind = name.and_then(|arg| names::kind(&arg, errors));
    let queue =
        queue.and_then(|arg| names::queue(&arg, errors)).unwrap_or_else(names::default_queue);
    let attempts = options::attempts(retries, max_attempts, errors);
    let options = Options {
        backoff: backoff.and_then(|arg| backoff::backoff(&arg, attempts, errors)),
        timeout: timeout.and_then(|arg| options::timeout(&arg, errors)),
        delay: delay.and_then(|arg| options::delay(&arg, errors)),
        expires: expires.and_then(|arg| options::expires(&arg, errors)),
        priority: priority.and_then(|arg| options::priority(&arg, errors)),
        attempts,
    };

    let Function { attrs, vis, signature } = function;
    let payload = match payload.map(|arg| face::payload(&arg, &signature.ident, errors)) {
        Some(Some(named)) => Some(named),
        None => signature::payload_name(&signature, errors),
        // Refused, and said; under its usual name the job can still be used.
        Some(None) => signature::payload_name(&signature, &mut Errors::unheard()),
    };
    let derives = derive.map(|arg| face::derives(&arg, errors)).unwrap_or_default();
    let standing = signature::check(&attrs, &signature, errors);
    let params = params::judge(&signature, errors);
    face::refuse_redact_alone(&params, &derives, errors);
    let keys = keys::Keys { function: &signature.ident, known: &params.known };
    let unique = unique.and_then(|arg| keys.unique(&arg, errors)).unwrap_or(Unique::No);
    let fingerprint = fingerprint.and_then(|arg| keys.fingerprint(&arg, errors));

    let Some(payload) = payload.filter(|_| standing != Standing::Associated) else {
        return Validated::Nothing;
    };
    let kind = kind.unwrap_or_else(|| plain(&signature.ident));
    let aliases = aliases.map(|arg| names::aliases(&arg, &kind, errors)).unwrap_or_default();
    let (docs, deprecated) = signature::copied(attrs);
    let face =
        Face { krate, function: signature.ident.clone(), payload, vis, docs, deprecated, derives };
    match params.sound {
        Some(params) if standing == Standing::Sound => {
            let returned = signature::returned(&signature.output, face.function.span());
            Validated::Job(Box::new(JobModel {
                face,
                kind,
                queue,
                options,
                aliases,
                unique,
                fingerprint,
                params,
                returned,
            }))
        }
        _ => Validated::Stub(Box::new(StubModel { face, args: params.guessed })),
    }
}
