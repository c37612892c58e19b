//! All options with their current raw values: what was typed, checked, but not yet given meaning.
//!
//! It knows the table and nothing about files, clients or threads. `meaning` turns it into a [`crate::Config`].
//!
//! Invariants:
//! I1  `values` has one entry for each row of the table, in the table's order.
//! I2  An entry's variant is the one that its row's kind reads (plus `Percent` where the form allows it).

use std::path::{Path, PathBuf};

use crate::meaning::Rename;
use crate::option::{Kind, OptionSpec, Support};
use crate::table;
use crate::value::{self, Value};

/// The place of an option in the table; small and cheap to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OptionId(pub(crate) u16);

impl OptionId {
    /// The row of the table.
    #[must_use]
    pub fn spec(self) -> &'static OptionSpec {
        table::row(self)
    }
}

/// One honest line about an option whose value does not do here what it does elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The option's name.
    pub option: &'static str,
    /// What to expect.
    pub text: &'static str,
}

/// Where a value comes from: `save` lines add up within files and replace in CONFIG SET.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Configuration file or command line.
    File,
    /// CONFIG SET.
    Live,
}

/// Raw values of all options, and the directives that are no options.
#[derive(Clone, Debug)]
pub struct Settings {
    values: Vec<Value>,
    /// A `save` line has been read: the next one adds to it instead of replacing the default.
    save_read: bool,
    /// `rename-command` lines.
    pub(crate) renames: Vec<Rename>,
}

impl Default for Settings {
    /// All options at their defaults, the working directory being the process's own.
    fn default() -> Self {
        let mut settings = Settings {
            values: table::options().iter().map(|spec| default_value(spec)).collect(),
            save_read: false,
            renames: Vec::new(),
        };
        if let (Some(dir), Ok(here)) = (table::find(b"dir"), std::env::current_dir()) {
            settings.put(dir, Value::Text(path_to_bytes(&here)));
        }
        settings
    }
}

/// The default value of an option. A test reads the default of every row, so that no row of the table lacks one.
pub(crate) fn default_value(spec: &OptionSpec) -> Value {
    let text = spec.default_words();
    let words: Vec<&[u8]> = if spec.flags.multi && !text.is_empty() {
        text.split(' ').map(str::as_bytes).collect()
    } else {
        vec![text.as_bytes()]
    };
    match value::read(spec, &words, None) {
        Ok(value) => value,
        Err(reason) => unreachable!("default of {}: {reason}", spec.name),
    }
}

impl Settings {
    /// The value of `option`.
    #[must_use]
    pub fn value(&self, option: OptionId) -> &Value {
        // I1 makes this index valid for every OptionId that the table hands out.
        &self.values[usize::from(option.0)]
    }

    /// The value of the option called `name`, which is a name in our own code, never a client's.
    pub(crate) fn named(&self, name: &str) -> &Value {
        match table::find(name.as_bytes()) {
            Some(option) => self.value(option),
            None => unreachable!("no option is called {name}"),
        }
    }

    /// What CONFIG GET answers for `option`.
    #[must_use]
    pub fn text(&self, option: OptionId) -> Vec<u8> {
        self.value(option).text(&option.spec().kind)
    }

    /// Sets `option` from words. Errors are the texts that redis-server gives, or the line of a refused option.
    /// Returns whether the value is another one than before.
    pub(crate) fn set(&mut self, option: OptionId, words: &[&[u8]], source: Source) -> Result<bool, String> {
        let spec = option.spec();
        let before = self.value(option);
        let mut value = value::read(spec, words, Some(before))?;
        if let (Kind::Directory, Value::Text(text)) = (&spec.kind, &value) {
            let resolved = resolve_directory(&self.directory(), text)?;
            value = Value::Text(resolved);
        }
        if let Support::Refused(why) = spec.support
            && value != default_value(spec)
        {
            return Err(why.to_owned());
        }
        if let Value::Save(points) = &mut value
            && source == Source::File
            && self.save_read
            && !points.is_empty()
            && let Value::Save(earlier) = before
        {
            points.splice(0..0, earlier.iter().copied());
        }
        self.save_read |= matches!(value, Value::Save(_)) && source == Source::File;
        Ok(self.put(option, value))
    }

    /// Replaces a value that was read before (by CONFIG SET's roll back, or by start-up code that lowers `maxclients`).
    /// Returns whether it differs.
    pub(crate) fn put(&mut self, option: OptionId, value: Value) -> bool {
        let slot = &mut self.values[usize::from(option.0)];
        let changed = *slot != value;
        *slot = value;
        changed
    }

    /// The working directory: absolute, unless the process's own cannot be found out and `dir` was not set.
    pub(crate) fn directory(&self) -> PathBuf {
        match self.named("dir") {
            Value::Text(text) => bytes_to_path(text),
            _ => PathBuf::from("."),
        }
    }

    /// The notes on all options whose value is not the default and that have one.
    #[must_use]
    pub fn notes(&self) -> Vec<Note> {
        table::ids().filter_map(|option| self.note(option)).collect()
    }

    /// The note on `option`, if its value calls for one.
    pub(crate) fn note(&self, option: OptionId) -> Option<Note> {
        let spec = option.spec();
        match spec.support {
            Support::Noted(text) if *self.value(option) != default_value(spec) => {
                let value = self.text(option);
                let harmless = spec.harmless.iter().any(|harmless| harmless.as_bytes() == value);
                (!harmless).then_some(Note { option: spec.name, text })
            }
            _ => None,
        }
    }
}

/// Makes `text` absolute (relative to `base`) and checks that one can go there, with the texts that chdir gives.
fn resolve_directory(base: &Path, text: &[u8]) -> Result<Vec<u8>, String> {
    let joined = base.join(bytes_to_path(text));
    let resolved = std::fs::canonicalize(&joined).map_err(|error| os_text(&error))?;
    let meta = std::fs::metadata(&resolved).map_err(|error| os_text(&error))?;
    if !meta.is_dir() {
        return Err("Not a directory".into());
    }
    // A directory that may not be entered shows itself when one looks for "." in it.
    std::fs::metadata(resolved.join(".")).map_err(|error| os_text(&error))?;
    Ok(path_to_bytes(&resolved))
}

/// The operating system's words for an error, as C's `strerror` gives them.
pub(crate) fn os_text(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.rfind(" (os error ") {
        Some(cut) => text[..cut].to_owned(),
        None => text,
    }
}

/// File names are bytes on Unix.
pub(crate) fn bytes_to_path(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

/// The reverse of [`bytes_to_path`].
pub(crate) fn path_to_bytes(path: &Path) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt as _;
    path.as_os_str().as_bytes().to_vec()
}
