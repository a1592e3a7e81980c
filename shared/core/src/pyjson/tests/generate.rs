//! JSON documents in every spelling the grammar allows, from a seed.

use std::fmt::Write as _;

/// Characters that printers get wrong: ends of escaping ranges, surrogate neighbours, separators.
const CHARACTERS: &str = "aZ 09/<>&'\u{7e}\u{7f}\u{80}\u{9f}\u{a0}éß\u{2028}\u{2029}\u{200d}€中\u{d7ff}\u{e000}\u{fffd}\u{feff}\u{ffff}\u{10000}😀𝄞\u{10ffff}";

/// Makes documents. The same seed makes the same documents on every machine.
pub(super) struct Generator(u64);

impl Generator {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// splitmix64.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    fn pick<'a>(&mut self, options: &[&'a str]) -> &'a str {
        options[self.below(options.len())]
    }

    pub(super) fn document(&mut self) -> String {
        let mut out = String::new();
        self.space(&mut out);
        self.value(6, &mut out);
        self.space(&mut out);
        out
    }

    fn value(&mut self, depth: usize, out: &mut String) {
        match self.below(if depth == 0 { 5 } else { 10 }) {
            0 | 1 => self.number(out),
            2 | 3 => self.string(out),
            4 => out.push_str(self.pick(&["true", "false", "null"])),
            5 | 6 => self.array(depth - 1, out),
            _ => self.object(depth - 1, out),
        }
    }

    fn array(&mut self, depth: usize, out: &mut String) {
        out.push('[');
        let length = self.below(5);
        for index in 0..length {
            self.separator(index, out);
            self.value(depth, out);
        }
        self.space(out);
        out.push(']');
    }

    fn object(&mut self, depth: usize, out: &mut String) {
        out.push('{');
        let length = self.below(6);
        for index in 0..length {
            self.separator(index, out);
            // Few names, so that keys repeat, also under another spelling.
            match self.below(8) {
                0 => out.push_str("\"a\""),
                1 => out.push_str("\"\\u0061\""),
                2 => out.push_str("\"b\""),
                3 => out.push_str("\"\""),
                4 => out.push_str("\"$serde_json::private::Number\""),
                5 => out.push_str("\"$serde_json::private::RawValue\""),
                _ => self.string(out),
            }
            self.space(out);
            out.push(':');
            self.space(out);
            self.value(depth, out);
        }
        self.space(out);
        out.push('}');
    }

    fn separator(&mut self, index: usize, out: &mut String) {
        self.space(out);
        if index > 0 {
            out.push(',');
            self.space(out);
        }
    }

    fn space(&mut self, out: &mut String) {
        out.push_str(self.pick(&["", "", "", " ", "\n", "\t", "\r\n", "  \t "]));
    }

    fn string(&mut self, out: &mut String) {
        out.push('"');
        for _ in 0..self.below(12) {
            match self.below(6) {
                0 => {
                    // Every control character, in either case of hex.
                    let code = self.below(0x21);
                    let upper = self.below(2) == 0;
                    let escape =
                        if upper { format!("\\u{code:04X}") } else { format!("\\u{code:04x}") };
                    out.push_str(&escape);
                }
                1 => out.push_str(self.pick(&[
                    "\\\"", "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t", "\\u0022", "\\u005c",
                ])),
                2 => {
                    // Any character at all, escaped as one unit or a pair.
                    let code = u32::try_from(self.below(0x11_0000)).unwrap();
                    let character = char::from_u32(code).unwrap_or('\u{fffd}');
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        write!(out, "\\u{unit:04x}").unwrap();
                    }
                }
                3 => out.push_str(self.pick(&["plain ASCII text", "{}[]:,", "0.1", "#?=&%"])),
                _ => {
                    let index = self.below(CHARACTERS.chars().count());
                    out.extend(CHARACTERS.chars().nth(index));
                }
            }
        }
        out.push('"');
    }

    /// A number, mostly in a spelling of chance, sometimes a double of any bits.
    pub(super) fn number(&mut self, out: &mut String) {
        if self.below(3) == 0 {
            let value = f64::from_bits(self.next());
            // Seventeen digits name every double, and are rarely the shortest that do.
            let value = if value.is_finite() { value } else { 0.1 };
            write!(out, "{value:.16e}").unwrap();
            return;
        }
        out.push_str(self.pick(&["", "", "-"]));
        match self.below(4) {
            0 => out.push('0'),
            1 => out.push_str(self.pick(&["9007199254740993", "18446744073709551616", "1"])),
            _ => {
                let length = 1 + self.below(24);
                out.push_str(self.pick(&["1", "5", "9"]));
                self.digits(length, out);
            }
        }
        if self.below(2) == 0 {
            out.push('.');
            let length = 1 + self.below(20);
            self.digits(length, out);
        }
        if self.below(2) == 0 {
            out.push_str(self.pick(&["e", "E", "e+", "E-", "e-", "e-0", "e00"]));
            let exponent = self.below(281);
            // Around the change of notation more often than elsewhere.
            let exponent = if self.below(2) == 0 { exponent % 20 } else { exponent };
            out.push_str(&exponent.to_string());
        }
    }

    fn digits(&mut self, length: usize, out: &mut String) {
        for _ in 0..length {
            // Runs of zeros and nines are where rounding happens.
            out.push_str(self.pick(&["0", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "9"]));
        }
    }
}
