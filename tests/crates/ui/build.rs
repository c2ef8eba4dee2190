//! Writes five hundred jobs.

use std::{env, fs, path::Path};

fn main() {
    let jobs = (0..500).map(|number| format!("#[job(unique)]\nasync fn job_{number}() {{}}\n"));
    let names = (0..500).map(|number| format!("Job{number}, "));
    let source = format!(
        "{}fn all(queue: &SimpleQueue) -> bool {{ queue.register(jobs![{}], ()).is_ok() }}\n",
        jobs.collect::<String>(),
        names.collect::<String>(),
    );
    let folder = env::var_os("OUT_DIR").expect("cargo sets it");
    let file = Path::new(&folder).join("five_hundred_jobs.rs");
    fs::write(file, source).expect("the folder is there for this");
    println!("cargo::rerun-if-changed=build.rs");
}
