//! Deliveries to the samples made by chance.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::cases::{Case, NOW, SCHEMES, signed};

/// Deliveries signed with the real MACs, some of them damaged; the same for the same seed.
pub(crate) fn generated(seed: u64, count: usize) -> Vec<Case> {
    let mut dice = Dice(seed);
    (0..count).map(|_| generate(&mut dice)).collect()
}

fn generate(dice: &mut Dice) -> Case {
    let scheme = SCHEMES[dice.below(3)];
    let secrets: Vec<String> = (0..=dice.below(10)).map(|_| any_secret(dice)).collect();
    let signers: Vec<&str> =
        (0..=dice.below(2)).map(|_| secrets[dice.below(secrets.len())].as_str()).collect();
    let length = dice.below(600);
    let body: Vec<u8> = (0..length).map(|_| dice.byte()).collect();
    let headers = signed(scheme, &signers, NOW, &body);
    // Mostly within the limits, sometimes at or over them.
    let now = NOW - 75 + i64::try_from(dice.below(400)).unwrap();
    let what = format!("generated, signed with {signers:?}");
    let mut case = Case { what, scheme, secrets, headers, body, now, max_age_seconds: 300 };
    damage(&mut case, dice);
    case
}

fn damage(case: &mut Case, dice: &mut Dice) {
    let header = dice.below(case.headers.len());
    match dice.below(8) {
        0 if !case.body.is_empty() => {
            let at = dice.below(case.body.len());
            case.body[at] ^= 1 << dice.below(8);
        }
        1 => {
            case.headers.remove(header);
        }
        2 | 3 => {
            // Every value is ASCII: any index is a character's.
            let value = &mut case.headers[header].1;
            let at = dice.below(value.len());
            let printable = char::from(b' ' + u8::try_from(dice.below(95)).unwrap());
            value.replace_range(at..=at, &printable.to_string());
        }
        4 => {
            let value = &mut case.headers[header].1;
            value.truncate(dice.below(value.len()));
        }
        _ => {}
    }
}

fn any_secret(dice: &mut Dice) -> String {
    let bytes: Vec<u8> = (0..24 + dice.below(41)).map(|_| dice.byte()).collect();
    match dice.below(4) {
        0 => format!("whsec_{}", STANDARD.encode(bytes)),
        1 => format!("whsec_{}", STANDARD.encode(bytes).trim_end_matches('=')),
        2 => bytes.iter().copied().map(char::from).collect(),
        _ => STANDARD.encode(bytes),
    }
}

/// Xorshift: enough to choose with, and no dependency.
struct Dice(u64);

impl Dice {
    /// A number from 0 to `limit` - 1.
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % limit.max(1)
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }
}
