use crate::samples;

use super::*;

const IDENTITY: Identity<'_> =
    Identity { debate_id: "dbt-7f3a", generated_at: "2026-11-21T10:00:00Z" };

/// Writes every sample as picture and as page, to be looked at.
#[test]
#[ignore = "writes target/gallery, for eyes"]
fn gallery() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/gallery");
    std::fs::create_dir_all(&folder).unwrap();
    for sample in samples::all() {
        let svg = picture::svg(&sample.debate, &sample.explanation, &sample.debate.task);
        std::fs::write(folder.join(format!("{}.svg", sample.name)), &svg).unwrap();
        let html = html(&sample.debate, &sample.explanation, IDENTITY);
        std::fs::write(folder.join(format!("{}.html", sample.name)), &html).unwrap();
        println!("{} {} {}", sample.name, svg.len(), html.len());
    }
}
