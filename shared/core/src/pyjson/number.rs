//! Numbers as Python prints them.

use serde_json::Number;

/// Whether JSON number text is a double to Python: it has a fraction or an exponent.
pub(super) fn is_float(text: &str) -> bool {
    text.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E'))
}

/// The double that float text denotes; `None` when it overflows.
pub(super) fn to_double(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|value| value.is_finite())
}

/// Appends `number`; false when it is a double that overflows (nothing is appended then).
pub(super) fn write_number(number: &Number, out: &mut String) -> bool {
    let text = number.as_str();
    if is_float(text) {
        let Some(value) = to_double(text) else {
            return false;
        };
        write_double(value, out);
    } else if text == "-0" {
        out.push('0');
    } else {
        out.push_str(text);
    }
    true
}

/// Fewest digits of a shortest spelling that may lie exactly between two (see [`digits`]).
const MIN_TIED_DIGITS: usize = 15;

/// A finite double's shortest digits that read back as the same double, as `d.ddde±x`.
///
/// When two of the same length are equally near, `CPython` takes the even one (`1844674407370955.2`
/// for …5.25, mode 0 of David Gay's `dtoa`) and Rust's `{:e}` the larger, while `{:.n$e}` rounds
/// to even. The latter alone will not do: beside a power of two the nearest spelling may belong to
/// the neighbour. No two decimals of up to fifteen digits read as the same double, which leaves
/// short numbers with the first spelling.
fn digits(value: f64) -> String {
    let shortest = format!("{value:e}");
    let mantissa = shortest.split('e').next().unwrap_or_default();
    let count = mantissa.bytes().filter(u8::is_ascii_digit).count();
    if count < MIN_TIED_DIGITS {
        return shortest;
    }
    let nearest = format!("{value:.*e}", count - 1);
    if nearest.parse() == Ok(value) { nearest } else { shortest }
}

/// Appends a finite double as `float.__repr__` prints it: positionally for exponents from -4 to
/// 15, otherwise with a signed exponent of at least two digits (`PyOS_double_to_string`, `r`).
pub(super) fn write_double(value: f64, out: &mut String) {
    let scientific = digits(value);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let (sign, digit) = match whole.strip_prefix('-') {
        Some(digit) => ("-", digit),
        None => ("", whole),
    };
    out.push_str(sign);
    match exponent {
        0..=15 => {
            let places = usize::try_from(exponent).unwrap_or_default();
            out.push_str(digit);
            if let Some((before, after)) =
                fraction.split_at_checked(places).filter(|(_, after)| !after.is_empty())
            {
                out.push_str(before);
                out.push('.');
                out.push_str(after);
            } else {
                out.push_str(fraction);
                push_zeros(places.saturating_sub(fraction.len()), out);
                out.push_str(".0");
            }
        }
        -4..=-1 => {
            out.push_str("0.");
            push_zeros(usize::try_from(-exponent - 1).unwrap_or_default(), out);
            out.push_str(digit);
            out.push_str(fraction);
        }
        _ => {
            out.push_str(digit);
            if !fraction.is_empty() {
                out.push('.');
                out.push_str(fraction);
            }
            out.push_str(if exponent < 0 { "e-" } else { "e+" });
            let magnitude = exponent.unsigned_abs();
            if magnitude < 10 {
                out.push('0');
            }
            out.push_str(&magnitude.to_string());
        }
    }
}

fn push_zeros(count: usize, out: &mut String) {
    out.extend(std::iter::repeat_n('0', count));
}
