//! What a worker is given: the messages of one batch, and how long it has.

use aragora_core::time::Millis;

/// One message as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboundMessage {
    /// By which the batch's answer names it.
    pub message_id: String,
    /// Its body: untrusted until it has been decoded.
    pub body: String,
    /// How often it has been received, this time included.
    pub receive_count: u32,
    /// The request it goes back to, from its `request_id` attribute.
    pub request_id: Option<String>,
    /// Its message group: the organisation.
    pub group: Option<String>,
    /// The queue it came from.
    pub source_arn: String,
}

/// When the invocation is ended by force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(pub Millis);

impl Deadline {
    /// Milliseconds left at `now`; negative when it has passed.
    pub const fn remaining_ms(self, now: Millis) -> i64 {
        self.0.since(now)
    }
}
