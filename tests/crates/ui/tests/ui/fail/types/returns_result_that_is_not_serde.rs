use simple_queue::prelude::*;

pub struct Receipt;

#[job]
async fn charge(_order_id: i64) -> Result<Receipt, BoxDynError> {
    Ok(Receipt)
}

fn main() {}
