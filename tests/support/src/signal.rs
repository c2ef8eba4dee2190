use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// Sends a signal to a process.
///
/// # Panics
///
/// When there is no such process, or the tests do not send this signal.
pub fn signal_process(name: &str, process: u32) {
    let sent = kill_process(pid(process), signal(name));
    sent.unwrap_or_else(|error| panic!("{process} cannot be sent a {name}: {error}"));
}

/// Sends a signal to all processes of a group.
///
/// # Panics
///
/// As [`signal_process`].
pub fn signal_group(name: &str, group: u32) {
    let sent = kill_process_group(pid(group), signal(name));
    sent.unwrap_or_else(|error| panic!("the group {group} cannot be sent a {name}: {error}"));
}

fn pid(process: u32) -> Pid {
    let raw = i32::try_from(process).expect("an id of a process is small");
    Pid::from_raw(raw).expect("no process has the id 0")
}

fn signal(name: &str) -> Signal {
    match name {
        "INT" => Signal::INT,
        "KILL" => Signal::KILL,
        "QUIT" => Signal::QUIT,
        "STOP" => Signal::STOP,
        "CONT" => Signal::CONT,
        "TERM" => Signal::TERM,
        other => panic!("`{other}` is no signal that the tests send"),
    }
}
