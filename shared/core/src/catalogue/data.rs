//! What the data of each event type holds.
//!
//! Debate events come from engines of any kind: none of their fields is required, and any other may
//! be there. The names are those of the seeds' examples, of the debate record
//! (`explainability.md`) and of what real engines write. Explanation and operational events are ours:
//! what is required here is always sent, and never a secret or a header.

use super::field::{Field, agents, amount, count, counts, flag, share, text, time, word};

/// The debate of the examples.
pub(super) const DEBATE: &str = "deb-019bd5a4-6c00-7d3e-8f21-5a0c9e417b62";
/// The delivery that the examples of `delivery.*` speak of.
const DELIVERY: &str = "dlv-019bd5a5-1f40-7a11-b6c3-2e58d70f9a04";
/// The event of that delivery.
const EVENT: &str = "evt-019bd5a5-1f38-7c92-9d4e-83b1f6a2c570";
/// The job of the examples of `explanation.*`.
const BATCH: &str = "batch-019bd5a5-6dc0-7b3a-94e1-1d2f7c60a8b5";
/// The webhook that operational events speak of.
pub(super) const WEBHOOK: &str = "wh-019bd000-2a80-7b6f-a3d5-41c8e9f0b713";

const DEBATE_ID: Field =
    text("debate_id", DEBATE, "The debate it belongs to, where the publisher repeats it here");
const AGENT: Field = text("agent", "claude", "The agent's name");
const ROUND: Field = count("round", 2, "The round it happened in, the first being 1");
const FINAL_ANSWER: Field =
    text("final_answer", "Use a token bucket per tenant.", "What the agents settled on").or_null();
const WINNER: Field = text(
    "winner",
    "claude",
    "Whose proposal was chosen, or the choice with most votes; null in a tie",
)
.or_null();
const CONFIDENCE: Field = share("confidence", 0.85, "How sure the agents are, from 0 to 1");
const STRENGTH: Field =
    share("consensus_strength", 0.92, "How strongly the agents agree, from 0 to 1");

pub(super) const DEBATE_STARTED: &[Field] = &[
    DEBATE_ID,
    text("task", "Design a rate limiter", "The question that is debated"),
    agents("agents", &["claude", "gpt4", "gemini"], "Who takes part: names, or objects with one"),
    count("rounds", 3, "How many rounds are planned"),
    text("domain", "architecture", "The field the question is from"),
];

pub(super) const ROUND_START: &[Field] =
    &[DEBATE_ID, count("round", 1, "The round that begins, the first being 1")];

pub(super) const AGENT_MESSAGE: &[Field] = &[
    DEBATE_ID,
    AGENT,
    text("role", "proposer", "The agent's part in the debate, such as proposer or critic"),
    count("round", 1, "The round it happened in, the first being 1"),
    text(
        "kind",
        "proposal",
        "What the message is: proposal, critique, revision, vote, evidence, synthesis, error, or \
         the engine's own word",
    ),
    text("content", "A token bucket per tenant, kept in one table.", "What the agent said"),
];

pub(super) const CRITIQUE: &[Field] = &[
    DEBATE_ID,
    text("critic", "gpt4", "The agent that criticises"),
    text("agent", "gpt4", "The same as critic, under the name that other events have").unshown(),
    text("target", "claude", "The agent whose proposal is criticised"),
    count("round", 1, "The round it happened in, the first being 1"),
    text("content", "One table is a hot spot under bursts.", "The criticism"),
    amount("severity", 0.5, "How grave it is, on the engine's scale, mostly from 0 to 1"),
];

pub(super) const VOTE: &[Field] = &[
    DEBATE_ID,
    AGENT,
    ROUND,
    text("choice", "claude", "What the agent voted for: an agent's name, or a proposal"),
    CONFIDENCE,
    amount("weight", 1.0, "What the vote counts for; 1 where nothing else is said"),
    text("reasoning", "It sheds load without a queue.", "Why"),
];

pub(super) const ROUND_END: &[Field] = &[DEBATE_ID, count("round", 1, "The round that has ended")];

pub(super) const CONSENSUS_REACHED: &[Field] = &[
    DEBATE_ID,
    FINAL_ANSWER,
    WINNER,
    CONFIDENCE,
    STRENGTH,
    share("consensus_margin", 0.5, "How far the winner is ahead, from 0 to 1"),
    counts("vote_counts", &[("claude", 2), ("gpt4", 1)], "How many votes each choice got"),
    count("rounds", 3, "How many rounds it took"),
];

pub(super) const DEBATE_COMPLETED: &[Field] = &[
    DEBATE_ID,
    text("task", "Design a rate limiter", "The question that was debated"),
    text("outcome", "consensus", "How it ended, such as consensus"),
    text("result", "consensus", "The same as outcome, under an engine's older name").unshown(),
    flag("consensus", true, "Whether the agents agreed"),
    flag("consensus_reached", true, "The same as consensus, as engines' records name it").unshown(),
    STRENGTH,
    CONFIDENCE,
    WINNER,
    FINAL_ANSWER,
    count("rounds", 3, "How many rounds it took"),
    amount("duration_seconds", 48.5, "How long it took"),
];

pub(super) const AGENT_ERROR: &[Field] = &[
    DEBATE_ID,
    AGENT.or_null(),
    ROUND,
    text("error", "The model did not answer within 60 seconds", "What went wrong, for people"),
    text("error_type", "timeout", "What went wrong, for programs, in the engine's words"),
];

pub(super) const BATCH_COMPLETED: &[Field] = &[
    text("job_id", BATCH, "The job").required(),
    text("batch_id", BATCH, "The same, under the name that clients use").unshown(),
    word(
        "status",
        &["completed", "failed"],
        "completed when at least one debate was explained, failed when none was",
    )
    .required(),
    count("total", 3, "How many debates it had").required(),
    count("processed", 3, "How many were gone through: all of them").required(),
    count("success_count", 2, "How many were explained").required(),
    count("failed_count", 1, "How many were not: there is no such debate, or it was an error")
        .required(),
    time("created_at", "2026-01-19T11:59:20Z", "When the job was made").required(),
    time("completed_at", "2026-01-19T12:00:00Z", "When its last debate was done").required(),
    text(
        "results_url",
        "/api/explainability/batch/batch-019bd5a5-6dc0-7b3a-94e1-1d2f7c60a8b5/results",
        "Where the explanations are",
    )
    .required(),
];

const WEBHOOK_ID: Field = text("webhook_id", WEBHOOK, "The webhook").required();
const URL: Field = text("url", "https://example.com/hooks/aragora", "Its URL").required();
const NO_REASON: Field =
    text("reason", "", "Why it happened: null, since only webhook.disabled has a reason")
        .null()
        .required();

/// `webhook.created`, `.updated`, `.deleted`, `.enabled` and `.circuit_closed`.
pub(super) const WEBHOOK_ONLY: &[Field] = &[WEBHOOK_ID, URL, NO_REASON];

pub(super) const WEBHOOK_DISABLED: &[Field] = &[
    WEBHOOK_ID,
    URL,
    word(
        "reason",
        &["failing", "gone", "paused", "user"],
        "Why: failing (nothing but failures for days), gone (it answered 410), paused (with all \
         the organisation's webhooks), user (a change of the webhook)",
    )
    .required(),
    time(
        "failing_since",
        "2026-01-14T09:30:00Z",
        "Since when everything failed; there when the reason is failing",
    ),
];

pub(super) const WEBHOOK_SECRET_ROTATED: &[Field] = &[
    WEBHOOK_ID,
    URL,
    NO_REASON,
    time(
        "old_secret_valid_until",
        "2026-01-20T12:00:00Z",
        "Until when deliveries are signed with the old secret too; null when they are not",
    )
    .or_null()
    .required(),
];

pub(super) const WEBHOOK_CIRCUIT_OPENED: &[Field] = &[
    WEBHOOK_ID,
    URL,
    NO_REASON,
    count("failure_count", 5, "Failed attempts since the last success").required(),
    time("open_until", "2026-01-19T12:01:00Z", "When the next attempt goes through").required(),
];

const DELIVERY_ID: Field = text("delivery_id", DELIVERY, "The delivery").required();
const EVENT_ID: Field = text("event_id", EVENT, "The event that was delivered").required();
const EVENT_TYPE: Field =
    text("event_type", "debate.completed", "That event's type, in the receiver's spelling")
        .required();

pub(super) const DELIVERY_DEAD_LETTERED: &[Field] = &[
    WEBHOOK_ID,
    DELIVERY_ID,
    EVENT_ID,
    EVENT_TYPE,
    text("reason", "exhausted", "Why it was given up, as in its receipt").required(),
    count("attempt_count", 6, "How often it was tried").required(),
    count("http_status", 503, "What the receiver answered last; null when it did not")
        .or_null()
        .required(),
    text(
        "error_message",
        "the receiver answered 503",
        "What went wrong last; null when nothing was sent",
    )
    .or_null()
    .required(),
];

pub(super) const DELIVERY_RECOVERED: &[Field] = &[
    WEBHOOK_ID,
    DELIVERY_ID,
    EVENT_ID,
    EVENT_TYPE,
    count("attempt_count", 1, "How often it was tried since it was taken up again").required(),
];
