//! What the data of the marketplace's events holds. They are ours: what is required is always sent.
//! Who of another organisation downloaded a template is not said.

use super::field::{Field, amount, count, text, word};

/// The template of the examples.
pub(super) const TEMPLATE: &str = "tmpl-019bd5a4-6c00-7d3e-8f21-5a0c9e417b62";

/// The fields that all of them have, and those of one type.
macro_rules! template {
    ($name:ident $(, $more:expr)*) => {
        pub(super) const $name: &[Field] = &[
            text("template_id", TEMPLATE, "The template").required(),
            text("name", "Security Scanner Workflow", "Its name").required(),
            text("author_id", "user-7", "The user who published it").required(),
            text("category", "workflow", "Its category").required(),
            word(
                "visibility",
                &["public", "organization", "unlisted", "private"],
                "Who may see it",
            )
            .required(),
            text("version", "1.0.0", "The version it is about").required(),
            $($more,)*
        ];
    };
}

template!(PUBLISHED);
template!(
    VERSION_PUBLISHED,
    text("changelog", "Scans lock files as well", "What is new in it; may be empty").required()
);
template!(
    DOWNLOADED,
    count("downloads", 12, "How often it was downloaded, this time included").required()
);
template!(
    REVIEWED,
    count("rating", 5, "What was given, 1 to 5").required(),
    text("review_id", "rev-019bd5a4-6c00-7d3e-8f21-5a0c9e417b63", "The user's review, if any")
        .or_null()
        .required(),
    amount("average_rating", 4.67, "The average of all, this one included").required(),
    count("rating_count", 3, "How many there are").required()
);
