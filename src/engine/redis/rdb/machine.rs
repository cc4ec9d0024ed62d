//! Steps over the pieces of a value, cut anywhere, without keeping them.

use super::grammar::Item;

/// How many numbers at the top of a value are remembered.
const KEPT_NUMBERS: usize = 3;

/// Steps over one shape at a time. What it holds does not grow with the data: as deep as the shape is.
#[derive(Debug)]
pub(super) struct Machine {
    stack: Vec<Frame>,
    now: Now,
    /// The first numbers that stood at the top of the shape.
    numbers: [u64; KEPT_NUMBERS],
    kept: usize,
}

/// Items, and how often they are still to come.
#[derive(Debug)]
struct Frame {
    items: &'static [Item],
    at: usize,
    left: u64,
}

#[derive(Debug)]
enum Now {
    /// The next item is looked up.
    Next,
    /// Bytes that mean nothing here.
    Skip(u64),
    /// The one byte in front of a score.
    Score,
    /// A number in the making.
    Number { purpose: Purpose, bytes: [u8; 9], have: usize },
}

/// What a number is for.
#[derive(Debug, Clone, Copy)]
enum Purpose {
    Keep,
    Discard,
    Times(&'static [Item]),
    Text,
    /// Length of compressed bytes, in front of their length when unpacked.
    Packed,
    Unpacked(u64),
    ModuleItem,
}

/// How far one call got.
pub(super) struct MachineStep {
    /// Bytes taken.
    pub(super) used: usize,
    /// Whether the shape is complete.
    pub(super) complete: bool,
}

/// A number as it stands in the stream.
enum Decoded {
    Plain(u64),
    /// A string in a special form.
    Special(u8),
}

impl Machine {
    pub(super) fn new() -> Self {
        Self { stack: Vec::new(), now: Now::Next, numbers: [0; KEPT_NUMBERS], kept: 0 }
    }

    /// From now on expects `shape`.
    pub(super) fn begin(&mut self, shape: &'static [Item]) {
        self.stack.clear();
        self.stack.push(Frame { items: shape, at: 0, left: 1 });
        self.now = Now::Next;
        self.numbers = [0; KEPT_NUMBERS];
        self.kept = 0;
    }

    /// The first number of the shape.
    pub(super) fn first_number(&self) -> u64 {
        self.numbers[0]
    }

    /// Takes what it can of `bytes`.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<MachineStep, String> {
        let mut used = 0;
        loop {
            match &mut self.now {
                Now::Next => {
                    if !self.next_item() {
                        return Ok(MachineStep { used, complete: true });
                    }
                }
                Now::Skip(left) => {
                    let rest = (bytes.len() - used) as u64;
                    let count = rest.min(*left);
                    *left -= count;
                    used += usize::try_from(count).unwrap_or(bytes.len() - used);
                    if *left > 0 {
                        return Ok(MachineStep { used, complete: false });
                    }
                    self.now = Now::Next;
                }
                Now::Score => {
                    let Some(byte) = bytes.get(used) else {
                        return Ok(MachineStep { used, complete: false });
                    };
                    used += 1;
                    // 253 to 255 are not a number, and plus and minus infinity: nothing follows.
                    self.now = Now::Skip(if *byte < 253 { u64::from(*byte) } else { 0 });
                }
                Now::Number { purpose, bytes: number, have } => {
                    let Some(byte) = bytes.get(used) else {
                        return Ok(MachineStep { used, complete: false });
                    };
                    used += 1;
                    number[*have] = *byte;
                    *have += 1;
                    if *have == length_of_number(number[0])? {
                        let (purpose, decoded) = (*purpose, decode(number));
                        self.now = Now::Next;
                        self.number(purpose, &decoded)?;
                    }
                }
            }
        }
    }

    /// Makes the next item current; whether there is one.
    fn next_item(&mut self) -> bool {
        loop {
            let depth = self.stack.len();
            let Some(frame) = self.stack.last_mut() else { return false };
            if frame.left == 0 {
                self.stack.pop();
                continue;
            }
            let Some(item) = frame.items.get(frame.at) else {
                frame.left -= 1;
                frame.at = 0;
                continue;
            };
            // A module's items go on until its end mark steps over this one.
            frame.at += usize::from(*item != Item::Module);
            let purpose = match item {
                Item::Bytes(count) => {
                    self.now = Now::Skip(*count);
                    return true;
                }
                Item::Score => {
                    self.now = Now::Score;
                    return true;
                }
                Item::Number if depth > 1 => Purpose::Discard,
                Item::Number => Purpose::Keep,
                Item::Text => Purpose::Text,
                Item::Times(items) => Purpose::Times(items),
                Item::Module => Purpose::ModuleItem,
            };
            self.now = Now::Number { purpose, bytes: [0; 9], have: 0 };
            return true;
        }
    }

    fn number(&mut self, purpose: Purpose, decoded: &Decoded) -> Result<(), String> {
        let number = |purpose| Now::Number { purpose, bytes: [0; 9], have: 0 };
        match (purpose, decoded) {
            (Purpose::Text, Decoded::Special(form)) => {
                self.now = match form {
                    0..=2 => Now::Skip(1 << form),
                    3 => number(Purpose::Packed),
                    _ => return Err(format!("a string has the unknown form {form}")),
                };
            }
            (_, Decoded::Special(form)) => {
                return Err(format!("the special form {form} stands where a number belongs"));
            }
            (Purpose::Discard, Decoded::Plain(_)) => {}
            (Purpose::Text, Decoded::Plain(length)) => self.now = Now::Skip(*length),
            (Purpose::Packed, Decoded::Plain(length)) => self.now = number(Purpose::Unpacked(*length)),
            (Purpose::Unpacked(length), Decoded::Plain(_)) => self.now = Now::Skip(length),
            (Purpose::Keep, Decoded::Plain(value)) => {
                if let Some(place) = self.numbers.get_mut(self.kept) {
                    *place = *value;
                    self.kept += 1;
                }
            }
            (Purpose::Times(items), Decoded::Plain(count)) => {
                self.stack.push(Frame { items, at: 0, left: *count });
            }
            (Purpose::ModuleItem, Decoded::Plain(kind)) => self.module_item(*kind)?,
        }
        Ok(())
    }

    fn module_item(&mut self, kind: u64) -> Result<(), String> {
        let items: &'static [Item] = match kind {
            0 => {
                if let Some(frame) = self.stack.last_mut() {
                    frame.at += 1;
                }
                return Ok(());
            }
            1 | 2 => &[Item::Number],
            3 => &[Item::Bytes(4)],
            4 => &[Item::Bytes(8)],
            5 => &[Item::Text],
            _ => return Err(format!("a module wrote an item of the unknown kind {kind}")),
        };
        self.stack.push(Frame { items, at: 0, left: 1 });
        Ok(())
    }
}

/// How many bytes a number has whose first byte is `first`.
fn length_of_number(first: u8) -> Result<usize, String> {
    match first >> 6 {
        0 | 3 => Ok(1),
        1 => Ok(2),
        _ if first == 0x80 => Ok(5),
        _ if first == 0x81 => Ok(9),
        _ => Err(format!("a number begins with the byte {first:#04x}")),
    }
}

fn decode(bytes: &[u8; 9]) -> Decoded {
    let first = bytes[0];
    let big_endian = |bytes: &[u8]| bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
    match first >> 6 {
        0 => Decoded::Plain(u64::from(first)),
        1 => Decoded::Plain(u64::from(first & 63) << 8 | u64::from(bytes[1])),
        3 => Decoded::Special(first & 63),
        _ if first == 0x80 => Decoded::Plain(big_endian(&bytes[1..5])),
        _ => Decoded::Plain(big_endian(&bytes[1..9])),
    }
}
