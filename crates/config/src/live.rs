//! The settings of a running server: CONFIG GET, CONFIG SET, and the `Config` that hot paths read.
//!
//! It does not act on changes itself: whoever has something to do registers an [`Applier`]. CONFIG RESETSTAT has nothing
//! to do with settings and is the engine's.
//!
//! ```text
//!   CONFIG SET:  look up all -> read all into a copy -> new Config -> appliers in order -> publish
//!                  |  any error: nothing changed          |  error: those already run are run backwards
//! ```
//!
//! Invariants:
//! I1  `current` is always the meaning of `state.settings`, or of what will be once the CONFIG SET in progress is done.
//! I2  Readers see all options of one CONFIG SET or none: they are published by one swap.
//!
//! Locks: `state`, held for the whole of a CONFIG SET, so that two of them cannot mix; appliers run under it and must not
//! call back into `Live` except for [`Live::load`] and readers, which take no lock.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;

use crate::choices::Access;
use crate::file::Loaded;
use crate::glob::{self, Case};
use crate::meaning::Config;
use crate::rewrite::{self, Extent, RewriteError};
use crate::settings::{Note, OptionId, Settings, Source};
use crate::table;
use crate::value::Value;

/// Carries out what a change of settings asks for.
pub trait Applier: Send + Sync {
    /// Called with the settings before and after a CONFIG SET, before anybody else sees the new ones. Also called the other
    /// way round to undo, if this applier or a later one failed; it must cope with undoing what it did not finish.
    ///
    /// # Errors
    /// The change cannot be made. Everything is rolled back and the client gets the text.
    fn apply(&self, change: &Change<'_>) -> Result<(), ApplyError>;
}

/// A change of settings, as an [`Applier`] sees it.
pub struct Change<'a> {
    /// Before.
    pub old: &'a Config,
    /// After.
    pub new: &'a Config,
    options: &'a [OptionId],
}

impl Change<'_> {
    /// True if the option called `name` is among those whose value changed.
    #[must_use]
    pub fn touches(&self, name: &str) -> bool {
        table::find(name.as_bytes()).is_some_and(|option| self.options.contains(&option))
    }

    /// True if one of the options called `names` changed.
    #[must_use]
    pub fn touches_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.touches(name))
    }
}

/// Why an applier failed: the option to blame and the text for the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplyError {
    /// Name of the option.
    pub option: &'static str,
    /// What went wrong, in Redis's words where it has some.
    pub reason: String,
}

/// Who asks for a CONFIG SET and when.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context {
    /// The data set is being loaded.
    pub loading: bool,
    /// The client is on this machine.
    pub local: bool,
}

/// Why a CONFIG SET was refused. Displayed as the error reply, without the leading dash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetError {
    /// An odd number of arguments.
    Syntax,
    /// No such option.
    Unknown(Vec<u8>),
    /// The option cannot be set while loading.
    Loading,
    /// A value was refused, by the table or by an applier.
    Failed {
        /// The option's name, as redis-server would show it.
        option: Vec<u8>,
        /// Why.
        reason: String,
        /// Appliers that could not undo their part: lines for the log.
        not_undone: Vec<String>,
    },
}

impl SetError {
    /// The error reply without the leading dash. Bytes, because an unknown option's name may be any.
    #[must_use]
    pub fn reply(&self) -> Vec<u8> {
        match self {
            SetError::Syntax => b"ERR syntax error".to_vec(),
            SetError::Loading => b"LOADING Redis is loading the dataset in memory".to_vec(),
            SetError::Unknown(name) => {
                // Printed as a C string, which ends at a zero byte.
                let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
                [b"ERR Unknown option or number of arguments for CONFIG SET - '", name, b"'"].concat()
            }
            SetError::Failed { option, reason, .. } => [
                b"ERR CONFIG SET failed (possibly related to argument '",
                option.as_slice(),
                b"') - ",
                reason.as_bytes(),
            ]
            .concat(),
        }
    }
}

impl fmt::Display for SetError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&String::from_utf8_lossy(&self.reply()))
    }
}

impl std::error::Error for SetError {}

struct State {
    settings: Settings,
    appliers: Vec<Box<dyn Applier>>,
}

/// The settings of a running server. Shared by reference; all methods take `&self`.
pub struct Live {
    current: Arc<ArcSwap<Config>>,
    state: Mutex<State>,
    file: Option<PathBuf>,
}

/// A thread's own view of the current [`Config`]: one atomic load to see that nothing changed. It shows a copy of its own, so that keeping the
/// settings for a while counts in no cache line that other threads read.
pub struct Reader {
    cache: arc_swap::cache::Cache<Arc<ArcSwap<Config>>, Arc<Config>>,
    /// What `own` is a copy of.
    copied: Arc<Config>,
    own: Arc<Config>,
}

impl Reader {
    /// The current settings.
    pub fn get(&mut self) -> &Arc<Config> {
        let current = self.cache.load();
        if !Arc::ptr_eq(current, &self.copied) {
            self.copied = Arc::clone(current);
            self.own = Arc::new(Config::clone(current));
        }
        &self.own
    }
}

impl Default for Live {
    /// All defaults and no file.
    fn default() -> Self {
        Live::new(Loaded { settings: Settings::default(), file: None, notes: Vec::new() })
    }
}

impl Live {
    /// Starts from what was loaded.
    #[must_use]
    pub fn new(loaded: Loaded) -> Self {
        let config = Config::from(&loaded.settings);
        Live {
            current: Arc::new(ArcSwap::from_pointee(config)),
            state: Mutex::new(State { settings: loaded.settings, appliers: Vec::new() }),
            file: loaded.file,
        }
    }

    /// Adds an applier, to be called after those added before.
    pub fn add_applier(&self, applier: Box<dyn Applier>) {
        self.state().appliers.push(applier);
    }

    /// The current settings, to be kept as long as one request lasts.
    #[must_use]
    pub fn load(&self) -> Arc<Config> {
        self.current.load_full()
    }

    /// A view for a thread that looks often.
    #[must_use]
    pub fn reader(&self) -> Reader {
        let mut cache = arc_swap::cache::Cache::new(Arc::clone(&self.current));
        let copied = Arc::clone(cache.load());
        let own = Arc::new(Config::clone(&copied));
        Reader { cache, copied, own }
    }

    /// The configuration file, absolute; [`None`] if the server was started without.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// CONFIG GET: names and values of all options that match one of `patterns`, each once, sorted by name. A name without
    /// wildcards is answered as it was asked, in its case of letters; hidden options only answer to their full name.
    #[must_use]
    pub fn get(&self, patterns: &[&[u8]]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let state = self.state();
        let mut found: Vec<(Vec<u8>, OptionId)> = Vec::new();
        let known = |found: &[(Vec<u8>, OptionId)], name: &[u8]| {
            found.iter().any(|(present, _)| present.eq_ignore_ascii_case(name))
        };
        for pattern in patterns {
            if glob::is_pattern(pattern) {
                for option in table::ids().filter(|option| !option.spec().flags.hidden) {
                    for name in names(option) {
                        if glob::matches(pattern, name.as_bytes(), Case::Insensitive)
                            && !known(&found, name.as_bytes())
                        {
                            found.push((name.into(), option));
                        }
                    }
                }
            } else if let Some(option) = table::find(pattern)
                && !known(&found, pattern)
            {
                found.push((pattern.to_vec(), option));
            }
        }
        found.sort();
        found.into_iter().map(|(name, option)| (name, state.settings.text(option))).collect()
    }

    /// CONFIG SET: `arguments` are names and values in turn. All are set, or none. Returns the notes on values that do less
    /// here than elsewhere, for the log.
    ///
    /// # Errors
    /// See [`SetError`].
    pub fn set(&self, arguments: &[&[u8]], context: Context) -> Result<Vec<Note>, SetError> {
        let (pairs, []) = arguments.as_chunks::<2>() else { return Err(SetError::Syntax) };
        let mut state = self.state();
        let old = self.load();
        let options = look_up(pairs, &old, context)?;
        let mut settings = state.settings.clone();
        let mut changed = Vec::new();
        for ((option, name), [_, value]) in options.iter().zip(pairs) {
            let words: Vec<&[u8]> = match option.spec().flags.multi {
                true if value.is_empty() => Vec::new(),
                true => value.split(|byte| *byte == b' ').collect(),
                false => vec![value],
            };
            match settings.set(*option, &words, Source::Live) {
                Ok(differs) if differs || option.spec().flags.volatile => changed.push(*option),
                Ok(_) => {}
                Err(reason) => return Err(failed(name, reason)),
            }
        }
        let new = Config::from(&settings);
        apply_all(&state.appliers, &Change { old: &old, new: &new, options: &changed })?;
        state.settings = settings;
        self.current.store(Arc::new(new));
        Ok(changed.iter().filter_map(|option| state.settings.note(*option)).collect())
    }

    /// CONFIG REWRITE: brings the configuration file up to date with the current values.
    ///
    /// # Errors
    /// See [`RewriteError`].
    pub fn rewrite(&self) -> Result<(), RewriteError> {
        self.rewrite_file(Extent::Changed)
    }

    /// DEBUG CONFIG-REWRITE-FORCE-ALL: the same, but the file then spells out every option that has a value.
    ///
    /// # Errors
    /// See [`RewriteError`].
    pub fn rewrite_all(&self) -> Result<(), RewriteError> {
        self.rewrite_file(Extent::All)
    }

    fn rewrite_file(&self, extent: Extent) -> Result<(), RewriteError> {
        let path = self.file.as_deref().ok_or(RewriteError::NoFile)?;
        let state = self.state();
        rewrite::rewrite(path, &state.settings, extent).map_err(RewriteError::Io)
    }

    /// Replaces `maxclients` without asking appliers: start-up lowers it to what the limit of open files allows.
    pub fn lower_clients_max(&self, clients_max: u32) {
        let mut state = self.state();
        if let Some(option) = table::find(b"maxclients") {
            state.settings.put(option, Value::Number(i128::from(clients_max.max(1))));
            self.current.store(Arc::new(Config::from(&state.settings)));
        }
    }

    /// A copy of the current raw values.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.state().settings.clone()
    }

    /// Names and values of the options that help to understand a crash. It waits for nothing: during a CONFIG SET the list is
    /// empty.
    #[must_use]
    pub fn debug_options(&self) -> Vec<(&'static str, Vec<u8>)> {
        let Ok(state) = self.state.try_lock() else { return Vec::new() };
        let shown = table::ids().filter(|option| option.spec().flags.debug);
        shown.map(|option| (option.spec().name, state.settings.text(option))).collect()
    }

    /// An applier that panics leaves the settings as they were (I1 holds at every point of `set`), so a poisoned
    /// lock is as good as any other.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An option's name and aliases.
fn names(option: OptionId) -> impl Iterator<Item = &'static str> {
    let spec = option.spec();
    std::iter::once(spec.name).chain(spec.aliases.iter().copied())
}

fn failed(option: &[u8], reason: impl Into<String>) -> SetError {
    SetError::Failed { option: option.to_vec(), reason: reason.into(), not_undone: Vec::new() }
}

/// Finds all options of a CONFIG SET and checks that they may be set now, by this client. Returns each with the name it
/// goes by in error texts. An unknown name wins over other complaints if it comes first, as in redis-server.
fn look_up(
    pairs: &[[&[u8]; 2]],
    config: &Config,
    context: Context,
) -> Result<Vec<(OptionId, &'static [u8])>, SetError> {
    let mut options: Vec<(OptionId, &'static [u8])> = Vec::with_capacity(pairs.len());
    for [typed, _] in pairs {
        let Some(option) = table::find(typed) else { return Err(SetError::Unknown(typed.to_vec())) };
        let flags = option.spec().flags;
        let permitted = match config.security.protected_configs {
            Access::Yes => true,
            Access::Local => context.local,
            Access::No => false,
        };
        if flags.immutable {
            return Err(failed(typed, "can't set immutable config"));
        }
        if flags.protected && !permitted {
            return Err(failed(typed, "can't set protected config"));
        }
        if flags.not_while_loading && context.loading {
            return Err(SetError::Loading);
        }
        let name = names(option).find(|name| name.as_bytes().eq_ignore_ascii_case(typed));
        let name = name.unwrap_or(option.spec().name).as_bytes();
        // Two names of one option do not count as duplicates in redis-server, the later one wins.
        if options.contains(&(option, name)) {
            return Err(failed(typed, "duplicate parameter"));
        }
        options.push((option, name));
    }
    Ok(options)
}

/// Runs all appliers; if one fails, runs it and those before it backwards.
fn apply_all(appliers: &[Box<dyn Applier>], change: &Change<'_>) -> Result<(), SetError> {
    if change.options.is_empty() {
        return Ok(());
    }
    for (place, applier) in appliers.iter().enumerate() {
        let Err(error) = applier.apply(change) else { continue };
        let back = Change { old: change.new, new: change.old, options: change.options };
        let not_undone = appliers
            .iter()
            .take(place + 1)
            .rev()
            .filter_map(|applier| applier.apply(&back).err())
            .map(|error| format!("Failed restoring {}: {}", error.option, error.reason))
            .collect();
        return Err(SetError::Failed { option: error.option.into(), reason: error.reason, not_undone });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
