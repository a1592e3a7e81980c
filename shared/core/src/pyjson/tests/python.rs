//! The same documents through a real `python3`, compared byte for byte.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use super::generate::Generator;
use super::reprint;

/// One document per line in hex, one printed document per line back. The digit limit of
/// `int` (`CPython` 3.11) is lifted: we keep integers of any size.
const PROGRAM: &str = "
import json, sys
getattr(sys, 'set_int_max_str_digits', lambda n: None)(0)
for line in sys.stdin:
    print(json.dumps(json.loads(bytes.fromhex(line))))
";

fn through_python(documents: &[String]) -> Vec<String> {
    let mut python = Command::new("python3")
        .args(["-c", PROGRAM])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is needed to test against CPython's json");
    let mut stdin = python.stdin.take().unwrap();
    let lines: String = documents.iter().map(|text| hex::encode(text) + "\n").collect();
    let feeder = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = python.wait_with_output().unwrap();
    feeder.join().unwrap().unwrap();
    assert!(output.status.success(), "python3 failed");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn compare(documents: &[String]) {
    let expected = through_python(documents);
    assert_eq!(expected.len(), documents.len());
    for (text, expected) in documents.iter().zip(&expected) {
        let ours = reprint(text);
        // Arrays of numbers are long: only what differs is worth reading.
        let differing =
            ours.split(", ").zip(expected.split(", ")).find(|(ours, theirs)| ours != theirs);
        assert!(&ours == expected, "ours and CPython's: {differing:?}, of {text:.500}");
    }
}

#[test]
fn generated_documents_print_as_cpython_prints_them() {
    let mut generator = Generator::new(0x5eed);
    let mut documents: Vec<String> = (0..2_000).map(|_| generator.document()).collect();
    // Every character below U+0100 and every power of ten, by themselves.
    documents.extend((0..0x100).map(|code| format!("\"\\u{code:04x}\"")));
    documents.extend(
        ('\u{20}'..'\u{100}').filter(|c| !['"', '\\'].contains(c)).map(|c| format!("\"{c}\"")),
    );
    documents.extend((-330..309).map(|exponent| format!("[1e{exponent}, -1.25E{exponent}]")));
    documents.push(format!("-{}", "1234567890".repeat(1_000)));
    documents.push(format!("0.{}1e1000", "0".repeat(1_000)));
    for _ in 0..200 {
        documents.push(array(100, |_, out| generator.number(out)));
    }
    compare(&documents);
}

/// Where two shortest spellings are equally near, or the nearest is another double's.
#[test]
fn doubles_on_edges_print_as_cpython_prints_them() {
    let mut generator = Generator::new(0xed6e);
    let exact = |value: f64, out: &mut String| write!(out, "{value:.17e}").unwrap();
    let mut documents = Vec::new();
    documents.push(array(2_098, |index, out| {
        exact(2_f64.powi(i32::try_from(index).unwrap() - 1_074), out);
    }));
    for shift in 1..=12_u32 {
        // Odd multiples of 2^-shift with all 53 bits in use end in 5 beyond the 15th digit.
        documents.push(array(2_000, |_, out| {
            let bits = (generator.next() >> 11) | 1 | (1 << 52);
            #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double")]
            exact(bits as f64 / f64::from(1 << shift), out);
        }));
    }
    for neighbour in [-1_i64, 1] {
        documents.push(array(2_046, |index, out| {
            let power = (index as u64 + 1) << 52;
            exact(f64::from_bits(power.wrapping_add_signed(neighbour)), out);
        }));
    }
    compare(&documents);
}

/// An array of so many numbers.
fn array(length: usize, mut number: impl FnMut(usize, &mut String)) -> String {
    let mut out = String::from("[");
    for index in 0..length {
        out.push_str(if index > 0 { "," } else { "" });
        number(index, &mut out);
    }
    out.push(']');
    out
}
