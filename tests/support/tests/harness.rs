//! The harness: the output that it shows of cases, and its answer to a missing program.

use std::{
    env,
    process::{Command, ExitCode, Output},
};

use test_support::{Case, Program, case, main as run_cases, other_process};

/// The environment variable under which this program runs the sample instead of the cases.
const SAMPLE: &str = "HARNESS_SAMPLE";

fn main() -> ExitCode {
    match env::var_os(SAMPLE) {
        Some(_) => run_cases(sample(), vec![case!(an_other_process)]),
        None => run_cases(
            vec![
                case!(output_is_shown_only_of_a_case_that_failed),
                case!(without_capturing_all_output_is_shown),
                case!(a_missing_program_is_named_and_its_case_is_ignored),
                case!(in_complete_mode_a_missing_program_is_a_failure),
                case!(a_filter_leaves_out_the_cases_that_it_does_not_name),
            ],
            Vec::new(),
        ),
    }
}

fn sample() -> Vec<Case> {
    const NOWHERE: &Program = &Program::new("nowhere", "apt-get install nowhere", || None);
    vec![
        case!(passes),
        case!(fails),
        case!(cannot_be_run).needs(&[NOWHERE]),
        case!(passes_at_first).followed_by(async || panic!("and then it is looked at")),
    ]
}

async fn passes() {
    println!("said by what passes");
}

async fn fails() {
    println!("said by what fails");
    assert!(other_process("an_other_process").status().is_ok_and(|status| status.success()));
    panic!("the reason");
}

async fn an_other_process() {
    eprintln!("said by the other process");
}

async fn cannot_be_run() {
    println!("said by what cannot be run");
}

async fn passes_at_first() {}

/// Runs the sample with these arguments, and not in the mode of the suite itself.
fn run(arguments: &[&str], tests: Option<&str>) -> (Output, String) {
    let mut command = Command::new(env::current_exe().expect("it runs"));
    command.args(arguments).env(SAMPLE, "yes").env_remove("SIMPLE_QUEUE_TESTS");
    command.envs(tests.map(|value| ("SIMPLE_QUEUE_TESTS", value)));
    let output = command.output().expect("it runs again");
    let said = [&output.stdout[..], &output.stderr].concat();
    (output, String::from_utf8(said).expect("it is text"))
}

async fn output_is_shown_only_of_a_case_that_failed() {
    let (output, said) = run(&[], None);
    assert!(!output.status.success());
    assert!(said.contains("1 passed; 2 failed; 1 ignored"), "{said}");
    for shown in [
        "said by what fails",
        "said by the other process",
        "the reason",
        "and then it is looked at",
    ] {
        assert!(said.contains(shown), "`{shown}` is missing in: {said}");
    }
    for hidden in ["said by what passes", "said by what cannot be run"] {
        assert!(!said.contains(hidden), "`{hidden}` is in: {said}");
    }
}

async fn without_capturing_all_output_is_shown() {
    let (_, said) = run(&["--nocapture"], None);
    assert!(said.contains("said by what passes"), "{said}");
}

async fn a_missing_program_is_named_and_its_case_is_ignored() {
    let (output, said) = run(&["cannot_be_run"], None);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("ignored (nowhere is missing: apt-get install nowhere)"), "{said}");
    assert!(said.contains("0 passed; 0 failed; 1 ignored"), "{said}");
}

async fn in_complete_mode_a_missing_program_is_a_failure() {
    let (output, said) = run(&["cannot_be_run"], Some("complete"));
    assert!(!output.status.success(), "{said}");
    assert!(said.contains("nowhere is missing: apt-get install nowhere"), "{said}");
    let (output, said) = run(&["--exact", "passes"], Some("whole"));
    assert!(!output.status.success(), "{said}");
    assert!(said.contains("the only value it knows is `complete`"), "{said}");
}

async fn a_filter_leaves_out_the_cases_that_it_does_not_name() {
    let (output, said) = run(&["--exact", "passes", "--test-threads", "1"], None);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed; 0 failed; 0 ignored; 0 measured; 3 filtered out"), "{said}");
}
