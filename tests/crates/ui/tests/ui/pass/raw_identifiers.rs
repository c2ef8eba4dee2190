use simple_queue::prelude::*;

#[job(unique = "{type}-{match}")]
async fn r#move(r#type: i64, r#match: String) {
    let _ = (r#type, r#match);
}

#[test]
fn is_accepted() {
    assert_eq!(<Move as simple_queue::typed::JobPayload>::KIND, "move");
    let job = Move::new(7, "a");
    assert_eq!(simple_queue::typed::JobPayload::unique_key(&job).as_deref(), Some("7-a"));
    assert_eq!(serde_json::to_string(&job).unwrap(), r#"{"type":7,"match":"a"}"#);
    let _ = jobs![Move];
}
