//! Command-line words of a task: `--flag`, `--name value`, and positional words.
//!
//! A task takes what it knows and then calls [`Args::finish`], so that a mistyped option is an error and
//! never silently ignored.

/// The words after the task's name that nobody has taken yet.
#[derive(Debug)]
pub struct Args {
    words: Vec<String>,
}

impl Args {
    /// Takes over the words.
    pub fn new(words: impl IntoIterator<Item = String>) -> Args {
        Args { words: words.into_iter().collect() }
    }

    /// Whether `--name` was given; takes it.
    pub fn flag(&mut self, name: &str) -> bool {
        let before = self.words.len();
        self.words.retain(|word| word.strip_prefix("--") != Some(name));
        self.words.len() != before
    }

    /// The word after `--name`; takes both.
    pub fn value(&mut self, name: &str) -> Result<Option<String>, String> {
        let Some(at) = self.words.iter().position(|word| word.strip_prefix("--") == Some(name)) else {
            return Ok(None);
        };
        if at + 1 >= self.words.len() {
            return Err(format!("--{name} needs a value"));
        }
        self.words.remove(at);
        Ok(Some(self.words.remove(at)))
    }

    /// The number after `--name`, or `default`. `k` and `m` at the end stand for thousands and millions.
    pub fn number(&mut self, name: &str, default: u64) -> Result<u64, String> {
        match self.value(name)? {
            None => Ok(default),
            Some(text) => parse_number(&text).ok_or_else(|| format!("--{name}: not a number: {text}")),
        }
    }

    /// The comma-separated words after `--name`, if given.
    pub fn list(&mut self, name: &str) -> Result<Option<Vec<String>>, String> {
        Ok(self.value(name)?.map(|text| text.split(',').map(str::to_string).collect()))
    }

    /// Takes all words that do not start with `--`.
    pub fn positional(&mut self) -> Vec<String> {
        let (options, rest) = std::mem::take(&mut self.words).into_iter().partition(|w| w.starts_with("--"));
        self.words = options;
        rest
    }

    /// Fails if a word is left that nobody took.
    pub fn finish(self) -> Result<(), String> {
        match self.words.first() {
            None => Ok(()),
            Some(word) => Err(format!("unknown option: {word}")),
        }
    }
}

fn parse_number(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let (digits, unit) = match lower.as_bytes().last()? {
        b'k' => (&lower[..lower.len() - 1], 1000),
        b'm' => (&lower[..lower.len() - 1], 1_000_000),
        _ => (lower.as_str(), 1),
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(text: &str) -> Args {
        Args::new(text.split_whitespace().map(String::from))
    }

    #[test]
    fn takes_what_it_knows_and_refuses_the_rest() {
        let mut args = args("unit/type/string --quick --requests 2m --typo");
        assert!(args.flag("quick") && !args.flag("quick"));
        assert_eq!(args.number("requests", 5), Ok(2_000_000));
        assert_eq!(args.number("rounds", 5), Ok(5));
        assert_eq!(args.positional(), ["unit/type/string"]);
        assert_eq!(args.finish(), Err("unknown option: --typo".to_string()));
    }

    #[test]
    fn a_value_must_follow() {
        assert!(args("--requests").number("requests", 1).is_err());
        assert!(args("--requests x").number("requests", 1).is_err());
    }
}
