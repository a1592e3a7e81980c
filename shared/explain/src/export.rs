//! Debates as CSV (RFC 4180), a row at a time, so that no list of them is held in memory.
//!
//! Written here and not by the `csv` crate: there are one header and one row, and what matters is
//! what that crate does not do, which is to keep spreadsheets from running what a debate says.

use crate::record::Headline;

/// The columns.
pub const COLUMNS: [&str; 17] = [
    "debate_id",
    "status",
    "task",
    "domain",
    "workspace_id",
    "agents",
    "rounds",
    "votes",
    "winner",
    "consensus_reached",
    "confidence",
    "final_answer",
    "started_at",
    "completed_at",
    "duration_seconds",
    "created_at",
    "updated_at",
];

/// A debate in the list.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// The debate.
    pub debate_id: &'a str,
    /// How far it is.
    pub status: &'a str,
    /// What the list shows of it.
    pub headline: &'a Headline,
    /// What was decided, whole.
    pub final_answer: Option<&'a str>,
    /// When it was first stored.
    pub created_at: &'a str,
    /// When it was last stored.
    pub updated_at: &'a str,
}

/// The line of column names.
pub fn header() -> String {
    format!("{}\r\n", COLUMNS.join(","))
}

/// The line of a debate. Names of agents are joined with `; `; of more than the headline has, the
/// number of the rest is last.
pub fn row(row: &Row<'_>) -> String {
    let head = row.headline;
    let mut agents = head.names.join("; ");
    if let Some(more) = head.agents.checked_sub(head.names.len()).filter(|more| *more > 0) {
        agents = format!("{agents}; and {more} more");
    }
    let number = |number: Option<f64>| number.map(|number| number.to_string()).unwrap_or_default();
    let cells = [
        text(row.debate_id),
        text(row.status),
        text(&head.task),
        text(head.domain.as_deref().unwrap_or_default()),
        text(head.workspace_id.as_deref().unwrap_or_default()),
        text(&agents),
        head.rounds.to_string(),
        head.votes.to_string(),
        text(head.winner.as_deref().unwrap_or_default()),
        head.consensus_reached.map(|reached| reached.to_string()).unwrap_or_default(),
        number(head.confidence),
        text(row.final_answer.unwrap_or_default()),
        text(head.started_at.as_deref().unwrap_or_default()),
        text(head.completed_at.as_deref().unwrap_or_default()),
        number(head.duration_seconds),
        text(row.created_at),
        text(row.updated_at),
    ];
    format!("{}\r\n", cells.join(","))
}

/// A cell of text from outside: quoted where it must be, and with a `'` in front where a
/// spreadsheet would take it for a formula (full-width signs are signs to some).
fn text(text: &str) -> String {
    let signs = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    let guard = if text.starts_with(signs) { "'" } else { "" };
    if text.contains(['"', ',', '\r', '\n']) || text.starts_with(' ') || text.ends_with(' ') {
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    } else {
        format!("{guard}{text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_kept_from_running() {
        for (sent, cell) in [
            ("plain", "plain"),
            ("", ""),
            ("one, two", "\"one, two\""),
            ("she said \"no\"", "\"she said \"\"no\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            (" blank", "\" blank\""),
            ("=HYPERLINK(\"http://x\",\"y\")", "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\""),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            ("\rx", "\"'\rx\""),
            ("＝1", "'＝1"),
            ("1=1", "1=1"),
        ] {
            assert_eq!(text(sent), cell, "{sent:?}");
        }
    }

    #[test]
    fn a_row_has_every_column() {
        assert_eq!(header().matches(',').count(), COLUMNS.len() - 1);
        let headline = Headline {
            task: "Which, of two?".to_owned(),
            agents: 3,
            names: vec!["nova".to_owned(), "=rex".to_owned()],
            rounds: 2,
            votes: 3,
            consensus_reached: Some(false),
            confidence: Some(0.5),
            ..Headline::default()
        };
        let line = row(&Row {
            debate_id: "deb-1",
            status: "completed",
            headline: &headline,
            final_answer: Some("-5 degrees"),
            created_at: "2026-01-01T00:00:00.000Z",
            updated_at: "2026-01-02T00:00:00.000Z",
        });
        assert_eq!(
            line,
            "deb-1,completed,\"Which, of two?\",,,nova; =rex; and 1 more,2,3,,false,0.5,\
             '-5 degrees,,,,2026-01-01T00:00:00.000Z,2026-01-02T00:00:00.000Z\r\n"
        );
    }
}
