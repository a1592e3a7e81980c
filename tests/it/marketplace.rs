//! What the tests of the marketplace have in common.

use aragora_tests::token::claims;
use aragora_tests::{Api, Tenant};
use serde_json::{Value, json};
use uuid::Uuid;

/// Where templates are.
pub(crate) const TEMPLATES: &str = "/api/marketplace/templates";

/// A caller of the organisation with a name of their own.
pub(crate) fn person(tenant: &Tenant, user: &str, role: &str) -> Api {
    tenant.claiming(&claims(user, &tenant.org, role))
}

/// Text that nobody else uses.
pub(crate) fn unique() -> String {
    Uuid::now_v7().simple().to_string()
}

/// Data of a small graph.
pub(crate) fn graph() -> Value {
    json!({"nodes": [{"id": "a"}, {"id": "b"}], "edges": [{"source": "a", "target": "b"}]})
}

/// What is published when nothing else matters, with `more` over it.
pub(crate) fn wish(more: &Value) -> Value {
    let mut wish = json!({
        "name": format!("Template {}", unique()),
        "visibility": "organization",
        "template_data": graph(),
    });
    for (name, value) in more.as_object().unwrap() {
        wish[name] = value.clone();
    }
    wish
}

/// Publishes a template and gives the answer.
pub(crate) async fn publish(api: &Api, more: &Value) -> Value {
    api.post(TEMPLATES, &wish(more)).await.must(201)
}

/// The path of a template.
pub(crate) fn path(template: &Value) -> String {
    format!("{TEMPLATES}/{}", template["id"].as_str().unwrap())
}

/// The names of the templates in an answer, in order.
pub(crate) fn names(answer: &Value) -> Vec<&str> {
    let templates = answer["templates"].as_array().unwrap_or_else(|| panic!("none in {answer}"));
    templates.iter().map(|it| it["name"].as_str().unwrap()).collect()
}

/// The names of what a list shows.
pub(crate) async fn listed(api: &Api, path: &str) -> Vec<String> {
    let answer = api.get(path).await.must(200);
    names(&answer).into_iter().map(ToOwned::to_owned).collect()
}
