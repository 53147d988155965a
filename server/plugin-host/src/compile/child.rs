//! The process that compiles. A component that is made to be slow or large to compile ends it, and
//! nothing else.

use std::{
    io::{Read as _, Write as _},
    os::unix::process::ExitStatusExt as _,
    path::PathBuf,
    process::{ExitCode, ExitStatus, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::Command,
    time::timeout,
};

use crate::{
    compile::CompileError,
    engine,
    limits::{ARTIFACT_BYTES, COMPILE_WALL, COMPILED_BYTES},
    process::{User, confine_compiler},
    text,
};

/// How much of an error is read.
const ERROR_BYTES: u64 = 4096;

/// The status of a process that this machine is in the way of, and no component.
const NOT_HERE: u8 = 2;

/// How to start the process.
pub(super) struct Child {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) cpu: Duration,
    pub(super) memory: u64,
    /// Who it is to be; only root can say so.
    pub(super) user: Option<User>,
}

fn failed(why: impl std::fmt::Display) -> CompileError {
    CompileError::Failed(why.to_string())
}

impl Child {
    /// Compiles a component that is valid.
    pub(super) async fn compile(&self, wasm: &[u8]) -> Result<Vec<u8>, CompileError> {
        match timeout(COMPILE_WALL, self.run(wasm)).await {
            Ok(code) => code,
            Err(_) => {
                Err(CompileError::Limit(format!("{} s by the clock", COMPILE_WALL.as_secs())))
            }
        }
    }

    async fn run(&self, wasm: &[u8]) -> Result<Vec<u8>, CompileError> {
        let user = self.user.map(|it| [it.uid.to_string(), it.gid.to_string()]);
        let started = Command::new(&self.program)
            .args(&self.arguments)
            .args([self.cpu.as_secs().to_string(), self.memory.to_string()])
            .args(user.into_iter().flatten())
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let mut child = started
            .map_err(|error| failed(format!("cannot start {}: {error}", self.program.display())))?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(mut input), Some(output), Some(errors)) = pipes else {
            return Err(failed("the process has no pipes"));
        };
        let most = u64::try_from(COMPILED_BYTES).unwrap_or(u64::MAX);
        let (mut code, mut said) = (Vec::new(), Vec::new());
        let (mut output, mut errors) = (output.take(most + 1), errors.take(ERROR_BYTES));
        let write = async {
            // A child that is ended does not read; its status says why.
            let _unread = input.write_all(wasm).await;
            drop(input);
        };
        let (_, read, _) =
            tokio::join!(write, output.read_to_end(&mut code), errors.read_to_end(&mut said));
        read.map_err(failed)?;
        if COMPILED_BYTES < code.len() {
            return Err(CompileError::Limit(format!("{COMPILED_BYTES} bytes of code")));
        }
        let status = child.wait().await.map_err(failed)?;
        if status.success() { Ok(code) } else { Err(self.why(status, &said)) }
    }

    fn why(&self, status: ExitStatus, said: &[u8]) -> CompileError {
        let said = text::line(String::from_utf8_lossy(said).trim(), 300);
        match status.signal() {
            // SIGXCPU, or SIGKILL at the hard limit.
            Some(24 | 9) => CompileError::Limit(format!("{} s of CPU time", self.cpu.as_secs())),
            // An allocation that failed aborts, and so does a stack that cannot grow.
            Some(6 | 11) => CompileError::Limit(format!("{} bytes of memory: {said}", self.memory)),
            Some(signal) => failed(format!("signal {signal}: {said}")),
            None if said.contains("os error 12") => {
                CompileError::Limit(format!("{} bytes of memory", self.memory))
            }
            None if status.code() == Some(NOT_HERE.into()) => {
                failed(format!("{}: {said}", self.program.display()))
            }
            None => CompileError::Invalid(said),
        }
    }
}

/// What the process does: gives up all that compiling does not take, reads a component from its
/// standard input, and writes the code to its standard output. The arguments are the seconds of CPU
/// time, the bytes of memory, and the numbers of a user and a group, or neither.
pub fn main(arguments: impl Iterator<Item = String>) -> ExitCode {
    // Whatever comes of the component comes from a process that has nothing left.
    let done = match begin(arguments) {
        Ok(()) => compile().map_err(|why| (why, ExitCode::FAILURE)),
        Err(why) => Err((why, ExitCode::from(NOT_HERE))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err((why, status)) => {
            // Nobody reads it where that fails; the status says that something is wrong.
            let _unheard = std::io::stderr().write_all(why.as_bytes());
            status
        }
    }
}

fn begin(arguments: impl Iterator<Item = String>) -> Result<(), String> {
    let numbers: Vec<u64> = arguments.filter_map(|it| it.parse().ok()).collect();
    let number = |it: u64| u32::try_from(it).map_err(|error| format!("{it}: {error}"));
    let (cpu, memory, user) = match numbers[..] {
        [cpu, memory] => (cpu, memory, None),
        [cpu, memory, uid, gid] => {
            (cpu, memory, Some(User { uid: number(uid)?, gid: number(gid)? }))
        }
        _ => return Err("usage: CPU-SECONDS MEMORY-BYTES [UID GID] < component > code".to_owned()),
    };
    let confined = confine_compiler(user, cpu, memory);
    confined.map(drop).map_err(|error| format!("it cannot give up what it has: {error}"))
}

fn compile() -> Result<(), String> {
    let most = u64::try_from(ARTIFACT_BYTES).unwrap_or(u64::MAX);
    let mut wasm = Vec::new();
    let read = std::io::stdin().take(most + 1).read_to_end(&mut wasm);
    read.map_err(|error| error.to_string())?;
    let engine = engine::for_compiling().map_err(|error| format!("{error:#}"))?;
    let code = engine.precompile_component(&wasm).map_err(|error| format!("{error:#}"))?;
    std::io::stdout().write_all(&code).map_err(|error| error.to_string())
}
