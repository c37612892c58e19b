//! Running a command in a process group of its own, with its output in a file and an end to its time.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Runs the command; none when it had not ended within `limit`. Then, and only then, everything that it has started and that is
/// still in its group is killed.
pub fn run(command: &mut Command, output: &File, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output.try_clone()?)
        .process_group(0)
        .spawn()?;
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if begin.elapsed() > limit {
            if let Some(group) = rustix::process::Pid::from_raw(child.id() as i32) {
                // It may have ended in the meantime.
                let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            }
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_what_does_not_end() {
        let out = File::create("/dev/null").unwrap();
        let begin = Instant::now();
        let mut sleeper = Command::new("sh");
        sleeper.args(["-c", "sleep 60 & wait"]);
        assert_eq!(run(&mut sleeper, &out, Duration::from_millis(200)).unwrap(), None);
        assert!(begin.elapsed() < Duration::from_secs(10));
        assert!(run(&mut Command::new("true"), &out, Duration::from_secs(10)).unwrap().unwrap().success());
    }
}
