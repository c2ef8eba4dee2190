//! What every contestant's job needs, and none of them has to do with.

/// Any error, as all five accept it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Sends mails; a cheap clone, as clients are.
#[derive(Clone, Debug)]
pub struct Mailer;

impl Mailer {
    /// Sends `text` to a user.
    pub async fn send(&self, user_id: i64, text: &str) -> Result<(), BoxError> {
        println!("to user {user_id}: {text}");
        Ok(())
    }
}
