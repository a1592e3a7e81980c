//! What a list of debates shows of each.

use serde::{Deserialize, Serialize};

use super::{Debate, text};

/// The most characters of the task.
const MAX_TASK_CHARS: usize = 200;
/// The most names.
const MAX_NAMES: usize = 20;
/// The most characters of a name and of the other labels.
const MAX_LABEL_CHARS: usize = 60;
/// The most bytes of all names together: twenty of the longest would be half of all of it.
const MAX_NAME_BYTES: usize = 400;
/// The most bytes of the task: characters can be of four.
const MAX_TASK_BYTES: usize = 400;

/// The outline of a debate, of about 1 KB at most as JSON.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Headline {
    /// The start of the task, on one line; empty when the record has none.
    pub task: String,
    /// The field it is from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// The workspace, whole: it is searched for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace_id: Option<String>,
    /// How many took part.
    pub agents: usize,
    /// The first of their names, cut.
    pub names: Vec<String>,
    /// How many rounds there were.
    pub rounds: u32,
    /// How many voted.
    pub votes: usize,
    /// Whom or what the record names as the winner, cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub winner: Option<String>,
    /// Whether the record says that the agents agreed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consensus_reached: Option<bool>,
    /// The record's confidence, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// When it began, as the record has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// When it ended, as the record has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<String>,
    /// How long it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<f64>,
}

/// The outline of a debate.
pub fn headline(debate: &Debate) -> Headline {
    let label = |text: &String| text::cut(text, MAX_LABEL_CHARS);
    let mut bytes = 0;
    let names = debate.agents.iter().take(MAX_NAMES).map(|agent| label(&agent.name));
    let names = names.take_while(|name| {
        bytes += name.len();
        bytes <= MAX_NAME_BYTES
    });
    // Only what may be in the outline is made one line: a task may be long.
    let start = text::head(&debate.task, MAX_TASK_CHARS * 8);
    let mut task = text::cut(&text::line(start), MAX_TASK_CHARS);
    if task.len() > MAX_TASK_BYTES {
        task = format!("{}…", text::head(&task, MAX_TASK_BYTES));
    }
    Headline {
        task,
        domain: debate.domain.as_ref().map(label),
        workspace_id: debate.workspace_id.clone(),
        agents: debate.agents.len(),
        names: names.collect(),
        rounds: debate.rounds,
        votes: debate.votes.len(),
        winner: debate.winner.as_ref().map(label),
        consensus_reached: debate.consensus_reached,
        confidence: debate.confidence,
        started_at: debate.started_at.clone(),
        completed_at: debate.completed_at.clone(),
        duration_seconds: debate.duration_seconds,
    }
}
