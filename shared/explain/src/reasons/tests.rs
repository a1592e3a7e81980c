use super::*;
use crate::samples::worked_example;

#[test]
fn shows() {
    let debate = worked_example();
    let explanation = explain(&debate);
    let identity =
        crate::format::Identity { debate_id: "d1", generated_at: "2026-11-21T00:00:00Z" };
    let value =
        crate::format::render(&explanation, &debate, crate::format::Format::Visual, identity);
    println!("{}", serde_json::to_string_pretty(&value).unwrap());
}
