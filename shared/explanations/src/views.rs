//! In which forms an explanation can be had.

use aragora_core::ids::DebateId;
use aragora_core::time::Millis;
use aragora_explain::format::{Document, Format, Identity, Parts};
use aragora_explain::record::Debate;
use aragora_explain::{explain, page, picture};

/// A form in which a whole explanation can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum View {
    /// As JSON, with these parts.
    Json(Format, Parts),
    /// As a picture.
    Svg,
    /// As a page.
    Html,
}

impl View {
    /// As JSON, with the parts that the format has by itself.
    pub fn json(format: Format) -> Self {
        Self::Json(format, Parts::default())
    }

    /// The name under which it is kept: the format's, and what was said of its parts.
    pub(crate) fn name(self) -> String {
        let (format, parts) = match self {
            Self::Svg => return "svg".to_owned(),
            Self::Html => return "html".to_owned(),
            Self::Json(format, parts) => (format, parts),
        };
        let mut name = format.as_str().to_owned();
        let said = [
            ("evidence", parts.evidence),
            ("counterfactuals", parts.counterfactuals),
            ("votes", parts.vote_pivots),
        ];
        for (part, wanted) in said {
            if let Some(wanted) = wanted {
                name.push(if wanted { '+' } else { '-' });
                name.push_str(part);
            }
        }
        name
    }

    /// Works the explanation out, and writes it down in this form.
    pub(crate) fn render(self, debate: &Debate, id: &DebateId, now: Millis) -> String {
        let explanation = explain(debate);
        let generated_at = now.rfc3339();
        let identity = Identity { debate_id: id.as_str(), generated_at: &generated_at };
        match self {
            Self::Json(format, parts) => {
                let document = Document::new(&explanation, debate, format, parts, identity);
                // Nothing in it can fail to be written.
                serde_json::to_string(&document).unwrap_or_default()
            }
            Self::Svg => picture::svg(debate, &explanation, id.as_str()),
            Self::Html => page::html(debate, &explanation, identity),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_that_differ_are_kept_apart() {
        let parts = |evidence, votes| Parts { evidence, counterfactuals: None, vote_pivots: votes };
        for (view, name) in [
            (View::json(Format::Summary), "summary"),
            (View::Json(Format::Summary, parts(Some(true), None)), "summary+evidence"),
            (
                View::Json(Format::Detailed, parts(Some(false), Some(true))),
                "detailed-evidence+votes",
            ),
            (View::Svg, "svg"),
        ] {
            assert_eq!(view.name(), name);
        }
    }
}
