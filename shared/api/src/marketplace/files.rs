//! Templates as files: exported, and imported again, here or elsewhere.

use aragora_core::access::Permission;
use aragora_core::marketplace::{Visibility, steps};
use aragora_marketplace::{Desk, MarketError};
use http::header::{CONTENT_DISPOSITION, HeaderValue};
use serde_json::{Map, Value, json};

use super::{published, template_id, wished};
use crate::error::ApiError;
use crate::reply::Reply;
use crate::request::Call;

/// What our files call themselves.
const FORMAT: &str = "aragora.template";
/// The version of their form.
const FORMAT_VERSION: u32 = 1;
/// The most characters of a file's name.
const MAX_FILE_CHARS: usize = 60;

/// The newest version of a template, with what describes it. No download is counted.
pub(super) async fn export(desk: &Desk, call: &Call) -> Result<Reply, ApiError> {
    let whole = desk.whole(call.principal()?, &template_id(call)?).await?;
    let listing = &whole.card.listing;
    let file = json!({
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "template_id": whole.card.id,
        "author": listing.author,
        "name": listing.name,
        "description": whole.about.description,
        "category": listing.category,
        "tags": listing.tags,
        "version": listing.version,
        "changelog": whole.issue.changelog,
        "documentation": whole.about.documentation,
        "template_data": whole.data,
    });
    let name = format!("{}-{}.json", file_name(&listing.name), file_name(&listing.version));
    let disposition = format!("attachment; filename=\"{name}\"");
    let disposition = HeaderValue::try_from(disposition).map_err(ApiError::internal)?;
    Ok(Reply::ok(&file)?.with_header(CONTENT_DISPOSITION, disposition))
}

/// Makes a template of the caller's own of an exported file, of the body that publishing takes, or
/// of a workflow with steps. It is the caller's alone unless the file, or the body around it, says
/// otherwise, and showing it to others takes the permission to publish.
pub(super) async fn import(desk: &Desk, call: &Call) -> Result<Reply, ApiError> {
    let fields = graphed(unwrapped(call.json_object()?)?)?;
    let wish = wished::wish_of(fields)?;
    let caller = call.principal()?;
    let shown = wish.visibility.as_deref().is_some_and(|it| it != Visibility::Private.as_str());
    if shown && !caller.allows(Permission::MarketplacePublish) {
        return Err(ApiError::forbidden(Permission::MarketplacePublish));
    }
    published(&desk.publish(caller, wish, Visibility::Private, call.now).await?)
}

/// A file may be sent as it is, or as `template` beside what is to be different.
fn unwrapped(mut fields: Map<String, Value>) -> Result<Map<String, Value>, ApiError> {
    match fields.shift_remove("template") {
        None => Ok(fields),
        Some(Value::Object(mut file)) => {
            file.extend(fields);
            Ok(file)
        }
        Some(_) => Err(ApiError::field("template", "must be an object")),
    }
}

/// Steps and their followers as nodes and edges, wherever they stand.
fn graphed(mut fields: Map<String, Value>) -> Result<Map<String, Value>, ApiError> {
    let graph = |document: &Map<String, Value>| {
        steps::to_graph(document).transpose().map_err(MarketError::from)
    };
    if let Some(Value::Object(data)) = fields.get("template_data") {
        if let Some(data) = graph(data)? {
            fields.insert("template_data".to_owned(), Value::Object(data));
        }
        return Ok(fields);
    }
    if let Some(data) = graph(&fields)? {
        fields.insert("template_data".to_owned(), Value::Object(data));
    }
    Ok(fields)
}

/// Text as part of a file's name: letters and digits, anything else a hyphen.
fn file_name(text: &str) -> String {
    let plain = |it: char| if it.is_ascii_alphanumeric() || it == '.' { it } else { '-' };
    let name: String = text.chars().take(MAX_FILE_CHARS).map(plain).collect();
    let name = name.trim_matches(['-', '.']).to_ascii_lowercase();
    if name.is_empty() { "template".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_plain_names() {
        for (text, name) in [
            ("Security Scanner", "security-scanner"),
            ("../../etc/passwd", "etc-passwd"),
            ("a\"b\r\nX: y", "a-b--x--y"),
            ("日本", "template"),
        ] {
            assert_eq!(file_name(text), name, "{text}");
        }
    }

    #[test]
    fn what_stands_around_a_file_wins() {
        let Value::Object(body) = json!({"template": {"name": "a", "tags": []}, "name": "b"})
        else {
            panic!("an object")
        };
        let fields = unwrapped(body).unwrap();
        assert_eq!((&fields["name"], &fields["tags"]), (&json!("b"), &json!([])));
        let Value::Object(body) = json!({"template": "x"}) else { panic!("an object") };
        assert!(unwrapped(body).is_err());
    }
}
