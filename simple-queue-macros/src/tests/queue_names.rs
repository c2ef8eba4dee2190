//! The rule for names of queues is the library's.

use quote::quote;

use super::messages;

/// The tests of the library and of its functions in the database use the same table.
#[test]
fn a_queue_is_named_by_the_rule_of_the_library() {
    let table = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/queue_names.txt");
    let table = std::fs::read_to_string(table).unwrap();
    let cases = table.lines().filter(|line| !line.starts_with('#'));
    for (verdict, name) in cases.map(|line| line.split_once(' ').unwrap()) {
        let name = syn::parse_str::<syn::LitStr>(name).unwrap().value();
        let said = messages(
            quote!(queue = #name),
            quote!(
                async fn send() {}
            ),
        );
        let rule = "queue names may only use a-z, 0-9, `_`, `-` and `.` (1 to 63 characters)";
        match verdict {
            "good" => assert_eq!(said, [""; 0], "{name:?}"),
            _ => assert_eq!(said, [format!("{name:?} cannot name a queue: {rule}")]),
        }
    }
}
