//! Reads configuration files, standard input and command-line options into [`Settings`], line by line.
//!
//! It opens files named by the user, by `include` and by nobody else. It does not print and does not end the process:
//! [`LoadError`] holds the text that redis-server would print before exiting with status 1.
//!
//! A file, standard input and the command line's options are read as one text, in this order, so line numbers in errors
//! count through them, as in redis-server. An `include` is read at its place with line numbers of its own.
//!
//! Bounds: includes nest at most [`INCLUDE_DEPTH_MAX`] deep, and one text is at most [`TEXT_BYTES_MAX`] long.

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::glob::{self, Case};
use crate::meaning::Rename;
use crate::settings::{Note, OptionId, Settings, Source, bytes_to_path, os_text, path_to_bytes};
use crate::table;
use crate::words;

/// How deep `include` may nest: deep enough for any sane layout, shallow enough to stop a file that includes itself.
pub const INCLUDE_DEPTH_MAX: usize = 16;

/// Longest text read: a configuration is kilobytes; anything near this is a wrong file name.
pub const TEXT_BYTES_MAX: u64 = 16 << 20;

/// Directives that old versions had and that mean nothing any more; redis-server skips them in silence, too.
const RETIRED: [&str; 3] = ["list-max-ziplist-entries", "list-max-ziplist-value", "lua-replicate-commands"];

/// Why a configuration could not be loaded. Displayed as redis-server prints it, under our name and version.
#[derive(Debug)]
pub enum LoadError {
    /// A line is wrong, or the whole is (then `line` is [`None`]).
    Invalid {
        /// Number, from 1, and text of the line.
        line: Option<(usize, Vec<u8>)>,
        /// What is wrong.
        reason: String,
    },
    /// A file cannot be read; printed as a log line, not as a configuration error.
    Unreadable {
        /// As named by the user.
        path: PathBuf,
        /// The operating system's words.
        reason: String,
    },
}

impl LoadError {
    /// The text for standard error, for a program called `name` of version `version`. A `Unreadable` error is one line
    /// that belongs into the log.
    #[must_use]
    pub fn report(&self, name: &str, version: &str) -> String {
        match self {
            LoadError::Invalid { line, reason } => {
                let place = line.as_ref().map_or(String::new(), |(number, text)| {
                    format!(
                        "Reading the configuration file, at line {number}\n>>> '{}'\n",
                        String::from_utf8_lossy(text)
                    )
                });
                format!("\n*** FATAL CONFIG FILE ERROR ({name} {version}) ***\n{place}{reason}\n")
            }
            LoadError::Unreadable { .. } => self.to_string(),
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Invalid { line: Some((number, _)), reason } => write!(out, "line {number}: {reason}"),
            LoadError::Invalid { line: None, reason } => out.write_str(reason),
            LoadError::Unreadable { path, reason } => {
                write!(out, "Fatal error, can't open config file '{}': {reason}", path.display())
            }
        }
    }
}

impl std::error::Error for LoadError {}

/// What was loaded.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// All values.
    pub settings: Settings,
    /// The absolute path of the main file, if there was one: what CONFIG REWRITE rewrites.
    pub file: Option<PathBuf>,
    /// Honest lines about values that do less here than elsewhere, for the log.
    pub notes: Vec<Note>,
}

/// Reads configuration texts one after another.
#[derive(Default)]
pub struct Loader {
    settings: Settings,
}

impl Loader {
    /// Reads `file`, then `stdin` (already read by the caller), then `options` (made from the command line).
    ///
    /// # Errors
    /// The first line that is wrong, or a file that cannot be read.
    pub fn load(file: Option<&Path>, stdin: Option<&[u8]>, options: &[u8]) -> Result<Loaded, LoadError> {
        let mut loader = Loader::default();
        let file = file.map(|path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned()));
        let mut text = match &file {
            Some(path) => read_pattern(Path::new(""), path)?,
            None => Vec::new(),
        };
        text.extend(stdin.unwrap_or_default());
        if !options.is_empty() {
            text.push(b'\n');
            text.extend(options);
        }
        loader.read(&text, 0)?;
        loader.check_whole()?;
        let notes = loader.settings.notes();
        Ok(Loaded { settings: loader.settings, file, notes })
    }

    fn read(&mut self, text: &[u8], depth: usize) -> Result<(), LoadError> {
        for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let at_line = |reason: String| LoadError::Invalid { line: Some((number, line.to_vec())), reason };
            let Some(words) = words::split(line) else {
                return Err(at_line("Unbalanced quotes in configuration line".into()));
            };
            let Some((name, arguments)) = words.split_first() else { continue };
            let arguments: Vec<&[u8]> = arguments.iter().map(Vec::as_slice).collect();
            if name.eq_ignore_ascii_case(b"include")
                && let [pattern] = arguments.as_slice()
            {
                if depth >= INCLUDE_DEPTH_MAX {
                    return Err(at_line(format!("include is nested more than {INCLUDE_DEPTH_MAX} deep")));
                }
                let text = read_pattern(&self.settings.directory(), &bytes_to_path(pattern))?;
                self.read(&text, depth + 1)?;
            } else {
                self.directive(name, &arguments, (number, line)).map_err(at_line)?;
            }
        }
        Ok(())
    }

    /// Carries out one line other than `include`.
    fn directive(&mut self, name: &[u8], arguments: &[&[u8]], line: (usize, &[u8])) -> Result<(), String> {
        if let Some(option) = table::find(name) {
            return self.option(option, arguments);
        }
        let name = name.to_ascii_lowercase();
        match (name.as_slice(), arguments) {
            (retired, [_]) if RETIRED.iter().any(|known| known.as_bytes() == retired) => Ok(()),
            (b"rename-command", [from, to]) => {
                let to = (!to.is_empty()).then(|| to.to_vec());
                let line = (line.0, line.1.to_vec());
                self.settings.renames.push(Rename { from: from.to_vec(), to, line });
                Ok(())
            }
            (b"user", [_, ..]) => {
                Err("access control lists are not in this version; protect the server with requirepass"
                    .into())
            }
            (b"loadmodule", [_, ..]) => {
                Err("modules written for Redis cannot be loaded into this server".into())
            }
            (b"sentinel", _) => {
                Err("this server is no Sentinel; stock redis-sentinel works beside it".into())
            }
            (dotted, _) if dotted.contains(&b'.') => {
                Err("modules are not supported, and so are settings of modules".into())
            }
            _ => Err("Bad directive or wrong number of arguments".into()),
        }
    }

    fn option(&mut self, option: OptionId, arguments: &[&[u8]]) -> Result<(), String> {
        if !option.spec().flags.multi && arguments.len() != 1 {
            return Err("wrong number of arguments".into());
        }
        // A single quoted argument of an option of several words stands for these (`--save "3600 1"`), as with redis-server.
        let split: Vec<&[u8]> = match arguments {
            [one] if option.spec().flags.multi && one.contains(&b' ') => {
                one.split(|&byte| byte == b' ').filter(|word| !word.is_empty()).collect()
            }
            _ => arguments.to_vec(),
        };
        self.settings.set(option, &split, Source::File).map(|_| ())
    }

    /// What can only be checked once everything has been read.
    fn check_whole(&self) -> Result<(), LoadError> {
        let config = crate::Config::from(&self.settings);
        if let Some(log) = &config.logging.file {
            // Tried now, as later there is nobody to tell. Relative to `dir`, as a `dir` line takes effect where it stands.
            let log = config.snapshot.dir.join(log);
            if let Err(error) = std::fs::OpenOptions::new().append(true).create(true).open(&log) {
                let reason = format!("Can't open the log file: {}", os_text(&error));
                return Err(LoadError::Invalid { line: None, reason });
            }
        }
        Ok(())
    }
}

/// The text of the file called `path`, or of all files that match it if it is a glob pattern (which may be none), taken
/// relative to `base`.
fn read_pattern(base: &Path, path: &Path) -> Result<Vec<u8>, LoadError> {
    if !glob::is_pattern(&path_to_bytes(path)) {
        return read_file(base, path);
    }
    let mut text = Vec::new();
    for found in expand(base, path) {
        text.extend(read_file(base, &found)?);
    }
    Ok(text)
}

fn read_file(base: &Path, path: &Path) -> Result<Vec<u8>, LoadError> {
    let unreadable =
        |error: &std::io::Error| LoadError::Unreadable { path: path.to_owned(), reason: os_text(error) };
    let file = std::fs::File::open(base.join(path)).map_err(|error| unreadable(&error))?;
    let mut text = Vec::new();
    file.take(TEXT_BYTES_MAX + 1).read_to_end(&mut text).map_err(|error| unreadable(&error))?;
    if text.len() as u64 > TEXT_BYTES_MAX {
        let reason = format!("it is longer than {} MB, which no configuration is", TEXT_BYTES_MAX >> 20);
        return Err(LoadError::Unreadable { path: path.to_owned(), reason });
    }
    Ok(text)
}

/// All existing paths that match `pattern`, one path component at a time, in the order of their bytes. A leading dot is
/// only matched by a dot, as the shell has it.
fn expand(base: &Path, pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for component in pattern.components() {
        let part = path_to_bytes(Path::new(component.as_os_str()));
        if !glob::is_pattern(&part) {
            for path in &mut found {
                path.push(component);
            }
            found.retain(|path| base.join(path).exists());
            continue;
        }
        let mut next = Vec::new();
        for parent in &found {
            let listed = if parent.as_os_str().is_empty() { base.join(".") } else { base.join(parent) };
            let Ok(entries) = std::fs::read_dir(listed) else { continue };
            for entry in entries.flatten() {
                let name = path_to_bytes(Path::new(&entry.file_name()));
                let hidden = name.starts_with(b".") && !part.starts_with(b".");
                if !hidden && glob::matches(&part, &name, Case::Sensitive) {
                    next.push(parent.join(entry.file_name()));
                }
            }
        }
        next.sort();
        found = next;
    }
    found
}

#[cfg(test)]
mod tests;
