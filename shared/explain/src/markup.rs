//! Writing HTML and SVG. Names of elements and attributes are of the program, text is always escaped,
//! and what was opened is closed: there is no way to write a debate's text as markup.

use crate::text;

/// A document as it is written.
#[derive(Debug, Default)]
pub(crate) struct Markup {
    out: String,
    open: Vec<&'static str>,
    /// Whether the last tag still takes attributes.
    in_tag: bool,
}

impl Markup {
    /// Begins an element.
    pub(crate) fn open(&mut self, name: &'static str) -> &mut Self {
        self.leave_tag();
        self.out.push('<');
        self.out.push_str(name);
        self.open.push(name);
        self.in_tag = true;
        self
    }

    /// An attribute of the element just begun.
    pub(crate) fn attr(&mut self, name: &'static str, value: &str) -> &mut Self {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        text::escape_into(&mut self.out, value);
        self.out.push('"');
        self
    }

    /// An attribute that is a measure, to one decimal.
    pub(crate) fn num(&mut self, name: &'static str, value: f64) -> &mut Self {
        self.attr(name, &measure(value))
    }

    /// Escaped text.
    pub(crate) fn text(&mut self, value: &str) -> &mut Self {
        self.leave_tag();
        text::escape_into(&mut self.out, value);
        self
    }

    /// The program's own text as it is: style sheets and the document type.
    pub(crate) fn raw(&mut self, value: &'static str) -> &mut Self {
        self.leave_tag();
        self.out.push_str(value);
        self
    }

    /// A document written elsewhere, as a child.
    pub(crate) fn append(&mut self, other: Self) -> &mut Self {
        self.leave_tag();
        self.out.push_str(&other.finish());
        self
    }

    /// Ends the element last begun. One that may have content is given an end tag, although it has
    /// none: HTML has no empty elements but those of [`Markup::void`].
    pub(crate) fn close(&mut self) -> &mut Self {
        self.leave_tag();
        if let Some(name) = self.open.pop() {
            self.out.push_str("</");
            self.out.push_str(name);
            self.out.push('>');
        }
        self
    }

    /// Ends the element just begun, which has no content: a shape, or `meta`, `link`, `br`.
    pub(crate) fn void(&mut self) -> &mut Self {
        if self.open.pop().is_some() {
            self.out.push_str("/>");
        }
        self.in_tag = false;
        self
    }

    /// An element with a class and text.
    pub(crate) fn element(
        &mut self,
        name: &'static str,
        class: &'static str,
        value: &str,
    ) -> &mut Self {
        self.open(name);
        if !class.is_empty() {
            self.attr("class", class);
        }
        self.text(value).close()
    }

    /// A line break in the source, for people who read it.
    pub(crate) fn newline(&mut self) -> &mut Self {
        self.leave_tag();
        self.out.push('\n');
        self
    }

    /// Bytes written so far.
    pub(crate) fn len(&self) -> usize {
        self.out.len()
    }

    /// The document, with everything closed.
    pub(crate) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.out
    }

    fn leave_tag(&mut self) {
        if self.in_tag {
            self.out.push('>');
            self.in_tag = false;
        }
    }
}

/// A measure to one decimal; 0 for what is no number.
pub(crate) fn measure(value: f64) -> String {
    if !value.is_finite() {
        return "0".to_owned();
    }
    let text = format!("{value:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// The `d` attribute of an SVG path: letters of the program, measures of the layout.
#[derive(Debug, Default)]
pub(crate) struct Path(String);

impl Path {
    /// A command and its measures.
    pub(crate) fn to(mut self, command: char, measures: &[f64]) -> Self {
        self.0.push(command);
        for (at, value) in measures.iter().enumerate() {
            if at > 0 {
                self.0.push(' ');
            }
            self.0.push_str(&measure(*value));
        }
        self
    }

    /// The attribute's value.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}
