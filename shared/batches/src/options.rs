//! What is wanted of the explanations of a job.

use aragora_explain::format::{Format, Parts};
use aragora_explanations::views::View;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What is wanted of each explanation: what may be asked of a single one as JSON.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// How much of it.
    #[serde(serialize_with = "write_format", deserialize_with = "read_format")]
    pub format: Format,
    /// Whether with the evidence; as the format has it by itself when `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_evidence: Option<bool>,
    /// The same, of what would have come of it otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_counterfactuals: Option<bool>,
    /// The same, of the votes and what each decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_vote_pivots: Option<bool>,
}

impl Options {
    /// The form that it comes to.
    pub const fn view(self) -> View {
        let parts = Parts {
            evidence: self.include_evidence,
            counterfactuals: self.include_counterfactuals,
            vote_pivots: self.include_vote_pivots,
        };
        View::Json(self.format, parts)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn write_format<S: Serializer>(format: &Format, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(format.as_str())
}

fn read_format<'de, D: Deserializer<'de>>(from: D) -> Result<Format, D::Error> {
    let name = String::deserialize(from)?;
    name.parse().map_err(|_| D::Error::custom("is no format"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn options_come_back_as_they_were() {
        let options = Options {
            format: Format::Summary,
            include_evidence: Some(true),
            include_vote_pivots: Some(false),
            ..Options::default()
        };
        let stored = serde_json::to_value(options).unwrap();
        let wanted =
            json!({"format": "summary", "include_evidence": true, "include_vote_pivots": false});
        assert_eq!(stored, wanted);
        assert_eq!(serde_json::from_value::<Options>(stored).unwrap(), options);
        let parts = Parts { evidence: Some(true), counterfactuals: None, vote_pivots: Some(false) };
        assert_eq!(options.view(), View::Json(Format::Summary, parts));
        serde_json::from_value::<Options>(json!({"format": "full"})).unwrap_err();
    }
}
