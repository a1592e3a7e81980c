//! What can go wrong with one AWS call, and what the proxy does about it.

use std::time::Duration;

use http::HeaderMap;
use hyper::body::Bytes;
use serde_json::{Map, Value, json};

use crate::http_client::Reply;

/// What goes wrong with one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: lets one call pass between faults.
    Pass,
    /// An error answer; the call has no effect.
    Error {
        /// The HTTP status.
        status: u16,
        /// The error's name, as in `ThrottlingException`.
        code: String,
    },
    /// The connection is cut before the endpoint hears of it.
    LoseRequest,
    /// The call takes effect, then the connection is cut.
    LoseAnswer,
    /// The call passes after this long.
    Delay(Duration),
    /// Only the first entries of a batch take effect; the others come back the way the operation
    /// hands them back (`UnprocessedItems`, `UnprocessedKeys`, `Failed`, an `Error` in place).
    RefuseAfter {
        /// How many entries take effect.
        kept: usize,
        /// What refused statements and messages say.
        code: String,
    },
}

impl Fault {
    /// Too many requests, in a way that is to be repeated.
    pub fn throttled() -> Self {
        Self::Error { status: 400, code: "ThrottlingException".to_owned() }
    }

    /// The service's own failure.
    pub fn internal() -> Self {
        Self::Error { status: 500, code: "InternalServerError".to_owned() }
    }

    /// All but the first `kept` entries of a batch are throttled.
    pub fn refuse_after(kept: usize) -> Self {
        Self::RefuseAfter { kept, code: "ThrottlingError".to_owned() }
    }
}

type Repair = Box<dyn FnOnce(Reply) -> Reply + Send>;

/// What the proxy does with one call.
pub(super) enum Plan {
    Answer(Reply),
    Cut,
    Forward { body: Bytes, repair: Repair },
    ForwardAndCut,
    Wait(Duration),
}

/// What a fault means for a call of `operation` with this body.
///
/// # Panics
/// When part of something is to be refused that has no parts.
pub(super) fn plan(fault: Option<Fault>, operation: &str, body: &Bytes) -> Plan {
    match fault {
        None | Some(Fault::Pass) => {
            Plan::Forward { body: body.clone(), repair: Box::new(|reply| reply) }
        }
        Some(Fault::Error { status, code }) => Plan::Answer(error(status, &code)),
        Some(Fault::LoseRequest) => Plan::Cut,
        Some(Fault::LoseAnswer) => Plan::ForwardAndCut,
        Some(Fault::Delay(delay)) => Plan::Wait(delay),
        Some(Fault::RefuseAfter { kept, code }) => {
            let input = serde_json::from_slice(body).expect("a batch is JSON");
            partly(Batch::of(operation), input, kept, &code)
        }
    }
}

fn error(status: u16, code: &str) -> Reply {
    let body =
        json!({"__type": format!("com.amazonaws.proxy#{code}"), "message": "scripted by the test"});
    answer(status, &body)
}

fn answer(status: u16, body: &Value) -> Reply {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", http::HeaderValue::from_static("application/x-amz-json-1.0"));
    Reply { status, headers, body: Bytes::from(body.to_string()) }
}

/// Where an operation's batch is, and how it hands back what it did not do.
#[derive(Debug, Clone, Copy)]
enum Batch {
    Writes,
    Reads,
    Statements,
    Messages,
}

impl Batch {
    fn of(operation: &str) -> Self {
        match operation {
            "BatchWriteItem" => Self::Writes,
            "BatchGetItem" => Self::Reads,
            "BatchExecuteStatement" => Self::Statements,
            "SendMessageBatch" => Self::Messages,
            other => panic!("{other} has no entries to refuse"),
        }
    }

    /// The answer to a batch of nothing.
    fn nothing_done(self) -> Value {
        match self {
            Self::Writes => json!({"UnprocessedItems": {}}),
            Self::Reads => json!({"Responses": {}, "UnprocessedKeys": {}}),
            Self::Statements => json!({"Responses": []}),
            Self::Messages => json!({"Successful": [], "Failed": []}),
        }
    }

    /// Takes all but the first `kept` entries out of `input` and returns what to hand back.
    fn split(self, input: &mut Value, kept: usize, code: &str) -> Value {
        match self {
            Self::Writes => split_tables(&mut input["RequestItems"], kept, |table| table),
            Self::Reads => {
                split_tables(&mut input["RequestItems"], kept, |table| &mut table["Keys"])
            }
            Self::Statements => {
                let refused = split_off(&mut input["Statements"], kept);
                let error = json!({"Error": {"Code": code, "Message": "scripted by the test"}});
                refused.iter().map(|_| error.clone()).collect()
            }
            Self::Messages => {
                let failed = |entry: &Value| json!({"Id": entry["Id"], "SenderFault": false, "Code": code, "Message": "scripted by the test"});
                split_off(&mut input["Entries"], kept).iter().map(failed).collect()
            }
        }
    }

    /// Puts what was refused into the answer.
    fn hand_back(self, output: &mut Value, refused: Value) {
        let place = match self {
            Self::Writes => "UnprocessedItems",
            Self::Reads => "UnprocessedKeys",
            Self::Statements => "Responses",
            Self::Messages => "Failed",
        };
        match (&mut output[place], refused) {
            (Value::Array(present), Value::Array(more)) => present.extend(more),
            (slot, refused) => *slot = refused,
        }
    }
}

fn partly(batch: Batch, mut input: Value, kept: usize, code: &str) -> Plan {
    let refused = batch.split(&mut input, kept, code);
    if kept == 0 {
        let mut output = batch.nothing_done();
        batch.hand_back(&mut output, refused);
        return Plan::Answer(answer(200, &output));
    }
    let repair = move |reply: Reply| {
        let Ok(mut output) = serde_json::from_slice::<Value>(&reply.body) else { return reply };
        batch.hand_back(&mut output, refused);
        Reply { body: Bytes::from(output.to_string()), ..reply }
    };
    Plan::Forward { body: Bytes::from(input.to_string()), repair: Box::new(repair) }
}

fn split_off(entries: &mut Value, kept: usize) -> Vec<Value> {
    let entries = entries.as_array_mut().expect("a batch has entries");
    entries.split_off(kept.min(entries.len()))
}

/// Splits the entries of all tables together, in order. `entries_of` finds them in a table's
/// value; the rest of that value goes to both sides.
fn split_tables(
    tables: &mut Value,
    kept: usize,
    entries_of: fn(&mut Value) -> &mut Value,
) -> Value {
    let tables = tables.as_object_mut().expect("a batch has tables");
    let mut left = kept;
    let mut refused = Map::new();
    for (name, table) in tables.iter_mut() {
        let rest = split_off(entries_of(table), left);
        left -= entries_of(table).as_array().map_or(0, Vec::len);
        if !rest.is_empty() {
            let mut handed_back = table.clone();
            *entries_of(&mut handed_back) = Value::Array(rest);
            refused.insert(name.clone(), handed_back);
        }
    }
    tables
        .retain(|_, table| entries_of(table).as_array().is_some_and(|entries| !entries.is_empty()));
    Value::Object(refused)
}
