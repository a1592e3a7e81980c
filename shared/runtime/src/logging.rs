//! One JSON object per line on standard output, which is what CloudWatch takes.
//!
//! Every line has `level`, `timestamp`, `message`, `service`, `function_name`,
//! `function_version`, `version`; then the fields of the spans it was written in, outermost first,
//! and its own. All fields are at the top level: a field is queried by its name alone. Levels:
//! `ERROR` means that somebody must act. Payloads, headers, query strings and secrets are never
//! logged.

use std::io::Write;
use std::panic::PanicHookInfo;

use aragora_api::error::Chain;
use aragora_core::time::Millis;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Scope};

use crate::clock;
use crate::config::Base;

/// What the product is called in logs of several.
const SERVICE: &str = "aragora";
/// A field whose text is JSON and goes into the line as it is, for counts whose names depend on
/// the function.
pub const COUNTS: &str = "counts";

/// Starts logging for the process. Called once; later calls change nothing.
pub fn start(base: &Base) {
    let fixed = [
        ("service", SERVICE),
        ("function_name", &base.function_name),
        ("function_version", &base.function_version),
        ("version", &base.service_version),
    ];
    let fixed = fixed.map(|(name, value)| (name, Value::from(value))).to_vec();
    let lines = JsonLines { fixed, clock: clock::now, write: to_stdout };
    let subscriber =
        tracing_subscriber::registry().with(lines.with_filter(what_is_logged(base.log_level)));
    // It fails when a subscriber is set already, which then stays.
    if tracing::subscriber::set_global_default(subscriber).is_ok() {
        std::panic::set_hook(Box::new(panicked));
    }
}

/// Our own crates as configured; the libraries' only where something is wrong, because at lower
/// levels they print requests.
fn what_is_logged(level: LevelFilter) -> Targets {
    Targets::new().with_default(level.min(LevelFilter::WARN)).with_target("aragora", level)
}

/// Writes a line, with its end, to standard output.
pub(crate) fn to_stdout(line: &[u8]) {
    let mut out = std::io::stdout().lock();
    // Nobody is left to tell when standard output is gone.
    drop(out.write_all(line).and_then(|()| out.flush()));
}

fn panicked(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string);
    let said = panic.payload_as_str().unwrap_or("without a message");
    tracing::error!(target: "aragora", location = place, panic = said, "panicked");
}

/// The fields of a span, kept until lines are written in it.
struct SpanFields(Map<String, Value>);

/// Writes events as lines of JSON.
struct JsonLines<W> {
    fixed: Vec<(&'static str, Value)>,
    clock: fn() -> Millis,
    write: W,
}

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Fn(&[u8]) + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = SpanFields(Map::new());
        attributes.record(&mut Collect(&mut fields.0));
        span.extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<SpanFields>() {
            values.record(&mut Collect(&mut fields.0));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut own = Map::new();
        event.record(&mut Collect(&mut own));
        let mut line = Map::new();
        line.insert("level".to_owned(), event.metadata().level().as_str().into());
        line.insert("timestamp".to_owned(), (self.clock)().rfc3339().into());
        line.insert("message".to_owned(), own.shift_remove("message").unwrap_or_default());
        line.extend(self.fixed.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        for span in context.event_scope(event).into_iter().flat_map(Scope::from_root) {
            if let Some(fields) = span.extensions().get::<SpanFields>() {
                line.extend(fields.0.clone());
            }
        }
        line.extend(own);
        let mut text = Value::Object(line).to_string();
        text.push('\n');
        (self.write)(text.as_bytes());
    }
}

struct Collect<'a>(&'a mut Map<String, Value>);

impl Collect<'_> {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Collect<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        match serde_json::from_str::<Value>(value) {
            Ok(counts) if field.name() == COUNTS => self.put(field, counts),
            _ => self.put(field, value),
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.put(field, Chain(value).to_string());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}

#[cfg(test)]
#[path = "logging_tests.rs"]
mod tests;
