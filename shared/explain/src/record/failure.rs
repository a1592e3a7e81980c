//! Telling an agent's failure from its answer: engines put the error where the answer should be.

use super::text;

/// A one-liner longer than this says something, even if it begins with `Error:`.
const MAX_LINE_CHARS: usize = 500;
/// What may follow the word error in the brackets of a wrapper: `[Error generating proposal: ...`.
/// `[Error handling]` is a heading.
const DOING: [&str; 16] = [
    "calling",
    "code",
    "creating",
    "during",
    "executing",
    "fetching",
    "from",
    "generating",
    "getting",
    "in",
    "invoking",
    "occurred",
    "processing",
    "producing",
    "running",
    "while",
];
/// Other beginnings of a wrapper.
const WRAPPERS: [&str; 12] = [
    "agent error",
    "agent failed",
    "agent failure",
    "agent timed out",
    "agent timeout",
    "exception",
    "failed to ",
    "no proposals available",
    "no response",
    "system: agent ",
    "timed out",
    "timeout",
];
/// Beginnings of a line that says nothing but that something failed.
const LINES: [&str; 6] =
    ["error:", "agent error:", "exception:", "fatal error:", "failed to generate", "[errno "];

/// Whether a text is an agent's failure and not what it had to say.
pub(crate) fn is_one(content: &str) -> bool {
    let content = content.trim();
    // Every beginning looked for is short; the rest of a long text is only looked at for its end.
    let lower = text::head(content, 120).to_ascii_lowercase();
    if lower.starts_with("traceback (most recent call last)") {
        return true;
    }
    if let Some(inside) = lower.strip_prefix('[') {
        return is_wrapper(inside, content.ends_with(']'));
    }
    LINES.iter().any(|start| lower.starts_with(start))
        && !content.contains('\n')
        && !text::is_longer(content, MAX_LINE_CHARS)
}

/// `inside`: what follows the bracket, in lower case. `closed`: whether the text ends with one.
fn is_wrapper(inside: &str, closed: bool) -> bool {
    if let Some(rest) = inside.strip_prefix("error") {
        let Some(next) = rest.chars().next() else { return true };
        if matches!(next, ':' | ']') {
            // `[Error] is what our users see` has something to say.
            return next == ':' || closed;
        }
        let word = rest.trim_start().split([' ', ':', ']']).next().unwrap_or_default();
        return next == ' ' && DOING.contains(&word);
    }
    WRAPPERS.iter().any(|start| inside.starts_with(start))
        && (closed || inside.contains(':') || inside.starts_with("system"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrappers_of_errors_are_failures() {
        for text in [
            "[Error generating proposal: CLI command failed: no key set]",
            "[error generating proposal: cut off in the mid",
            "[Error generating proposal] no such model",
            "[Error: the model answered nothing]",
            "[ERROR]",
            "[Agent error: quota]",
            "[Agent failed: 503]",
            "[System: Agent nova timed out after 90 s - skipped]",
            "[No response from agent]",
            "  [Timeout after 30s]\n",
            "Error: rate limit exceeded",
            "Traceback (most recent call last):\n  File \"a.py\", line 1\nKeyError: 'x'",
        ] {
            assert!(is_one(text), "{text}");
        }
    }

    #[test]
    fn talk_about_errors_is_an_answer() {
        for text in [
            "",
            "[Error handling] We should wrap every call.",
            "[Error] is what our users see; show a sentence instead.",
            "[ErrorBoundary] goes around the page.",
            "[Timeout budget] 30 s in all",
            "The outage began with `Error: connection failed` in the log.",
            "Error: rate limit exceeded\n\nThat is what the client sees, so I propose to queue.",
            "Exceptions should be values.",
        ] {
            assert!(!is_one(text), "{text}");
        }
        assert!(!is_one(&format!("Error: {}", "long ".repeat(120))));
    }
}
