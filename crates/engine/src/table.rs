//! The command table: every declaration under the name that clients use, found in a few nanoseconds.

use crate::command::{Begin, Command, Find, KeySpec};

/// A command as it is registered: its declaration, its number for statistics, its full name.
pub struct Registered {
    /// The declaration.
    pub command: &'static Command,
    /// Its place in statistics.
    pub id: usize,
    /// `get`, or `config|get` for a subcommand.
    pub full_name: String,
    /// Its subcommands.
    pub subcommands: Vec<Registered>,
    /// The argument index of the first key if every key is found by a range from a fixed place; else 0.
    pub first_key: usize,
    /// Whether a request's first word alone names it: it is no subcommand and has none.
    pub is_alone: bool,
}

/// All commands.
pub struct CommandTable {
    commands: Vec<Registered>,
    /// Open addressing by name: index into `names` plus 1.
    slots: Vec<u16>,
    /// Name that clients use, lower-case, and the index of its command.
    names: Vec<(Box<[u8]>, u16)>,
    count: usize,
}

/// Longest name that can be a command's.
const NAME_MAX: usize = 64;

fn hash(lower: &[u8]) -> usize {
    lower.iter().fold(lower.len(), |hash, &byte| (hash ^ byte as usize).wrapping_mul(0x9E37_79B1) >> 3)
}

impl CommandTable {
    /// A table of these commands.
    ///
    /// # Panics
    /// If two commands have the same name: a mistake in the registry, found by every test.
    pub fn new(commands: impl IntoIterator<Item = &'static Command>) -> CommandTable {
        let mut count = 0;
        let commands: Vec<Registered> = commands.into_iter().map(|c| register(c, None, &mut count)).collect();
        let names = commands
            .iter()
            .enumerate()
            .map(|(index, registered)| (registered.command.name.as_bytes().into(), index as u16))
            .collect();
        let mut table = CommandTable { commands, slots: Vec::new(), names, count };
        table.index();
        table
    }

    fn index(&mut self) {
        self.slots = vec![0; (self.names.len() * 4).next_power_of_two()];
        for (number, (name, _)) in self.names.iter().enumerate() {
            let mut at = hash(name) & (self.slots.len() - 1);
            while self.slots[at] != 0 {
                let other = &self.names[self.slots[at] as usize - 1].0;
                assert_ne!(other, name, "two commands have this name");
                at = (at + 1) & (self.slots.len() - 1);
            }
            self.slots[at] = number as u16 + 1;
        }
    }

    /// Renames a command, or removes it (`rename-command`). The error says what is wrong.
    pub fn rename(&mut self, from: &[u8], to: Option<&[u8]>) -> Result<(), String> {
        let from = from.to_ascii_lowercase();
        let at = self
            .names
            .iter()
            .position(|(name, _)| **name == *from)
            .ok_or("No such command in rename-command")?;
        let (_, command) = self.names.remove(at);
        if let Some(to) = to {
            let to = to.to_ascii_lowercase();
            if self.names.iter().any(|(name, _)| **name == *to) {
                return Err("Target command name already exists".into());
            }
            self.names.push((to.into(), command));
        }
        self.index();
        Ok(())
    }

    /// Commands and subcommands: the numbers for statistics are below this.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Every command that clients can call, in the order of registration.
    pub fn iter(&self) -> impl Iterator<Item = &Registered> {
        let mut indices: Vec<u16> = self.names.iter().map(|(_, index)| *index).collect();
        indices.sort_unstable();
        indices.into_iter().map(|index| &self.commands[index as usize])
    }

    /// Every command and subcommand.
    pub fn iter_all(&self) -> impl Iterator<Item = &Registered> {
        self.iter().flat_map(|r| std::iter::once(r).chain(&r.subcommands))
    }

    /// The command that clients call `name`, in any case.
    #[inline]
    pub fn get(&self, name: &[u8]) -> Option<&Registered> {
        if name.len() > NAME_MAX {
            return None;
        }
        let mut lower = [0; NAME_MAX];
        let lower = &mut lower[..name.len()];
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        let mut at = hash(lower) & (self.slots.len() - 1);
        loop {
            let number = self.slots[at] as usize;
            let (candidate, command) = self.names.get(number.checked_sub(1)?)?;
            if **candidate == *lower {
                return self.commands.get(*command as usize);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    /// The command or subcommand that a request names.
    #[inline]
    pub fn resolve(&self, args: &[&[u8]]) -> Option<&Registered> {
        let registered = self.get(args.first()?)?;
        if registered.subcommands.is_empty() || args.len() < 2 {
            return Some(registered);
        }
        registered.subcommands.iter().find(|sub| args[1].eq_ignore_ascii_case(sub.command.name.as_bytes()))
    }
}

fn register(command: &'static Command, parent: Option<&str>, count: &mut usize) -> Registered {
    let full_name = match parent {
        Some(parent) => format!("{parent}|{}", command.name),
        None => command.name.to_string(),
    };
    let id = *count;
    *count += 1;
    let subcommands =
        command.subcommands.iter().map(|sub| register(sub, Some(command.name), count)).collect();
    let first_key = match command.keys {
        [spec, ..] => match (spec.begin, spec.find) {
            (Begin::Index(index), Find::Range { .. }) => index.max(0) as usize,
            _ => 0,
        },
        [] => 0,
    };
    let is_alone = parent.is_none() && command.subcommands.is_empty();
    Registered { command, id, full_name, subcommands, first_key, is_alone }
}

/// Calls `each` with the index of every key argument, in the order of the specifications. Returns false when a count among the arguments
/// is no number or does not fit; the command will then answer with its own error.
pub fn keys_of(command: &Command, args: &[&[u8]], mut each: impl FnMut(usize)) -> bool {
    let mut sound = true;
    for spec in command.keys {
        sound &= keys_of_spec(spec, args, &mut each);
    }
    sound
}

/// The same for one specification.
pub fn keys_of_spec(spec: &KeySpec, args: &[&[u8]], mut each: impl FnMut(usize)) -> bool {
    let first = match spec.begin {
        Begin::Index(index) => index as i64,
        Begin::Keyword(word, from) => {
            let found = if from >= 0 {
                (from as usize..args.len()).find(|&i| args[i].eq_ignore_ascii_case(word.as_bytes()))
            } else {
                let last = args.len() as i64 + i64::from(from);
                (1..=last.max(0) as usize)
                    .rev()
                    .find(|&i| args.get(i).is_some_and(|a| a.eq_ignore_ascii_case(word.as_bytes())))
            };
            match found {
                Some(at) => at as i64 + 1,
                None => return true,
            }
        }
        Begin::Unknown => {
            if let Find::Asked(show) = spec.find {
                show(args, &mut each);
            }
            return true;
        }
    };
    let len = args.len() as i64;
    let (first, last, step) = match spec.find {
        Find::Range { last, step, limit } => {
            let end = match i64::from(last) {
                last if last >= 0 => first + last,
                last if limit <= 1 => len + last,
                last => first + (len - first) / i64::from(limit) + last,
            };
            (first, end, i64::from(step))
        }
        Find::KeyNum { at, first: offset, step } => {
            let number = args.get((first + i64::from(at)) as usize).and_then(|n| value::number::parse_i64(n));
            let Some(number) = number.filter(|n| (0..=len).contains(n)) else {
                return false;
            };
            let begin = first + i64::from(offset);
            (begin, begin + (number - 1) * i64::from(step), i64::from(step))
        }
        Find::Asked(_) | Find::Unknown => return true,
    };
    let mut at = first;
    while at <= last && at < len {
        each(at as usize);
        at += step.max(1);
    }
    last < len
}
