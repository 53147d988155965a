//! The compiler for the browser part: rustup's, or Debian's with a standard library built here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::process;
use crate::report;
use crate::setup::debian;
use crate::workspace::Workspace;

pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// How long rustup may try to download before we take the other way.
const PATIENCE: Duration = Duration::from_secs(120);

/// The Rust toolchain that runs us.
pub(crate) struct Toolchain {
    /// Its folder, for instance `~/.rustup/toolchains/stable-x86_64-unknown-linux-gnu`.
    pub(crate) sysroot: PathBuf,
}

impl Toolchain {
    /// # Errors
    /// When no `rustc` is on the path.
    pub(crate) fn find() -> Result<Self> {
        let sysroot = process::output(process::command("rustc").args(["--print", "sysroot"]))?;
        Ok(Self { sysroot: sysroot.into() })
    }

    fn has_wasm(&self) -> bool {
        self.sysroot.join("lib/rustlib").join(TARGET).join("lib").is_dir()
    }
}

/// A compiler that can build for the browser.
pub(crate) enum Compiler {
    /// The toolchain that runs us has the standard library for wasm.
    Own { sysroot: PathBuf },
    /// Debian's compiler with a standard library built by [`install`].
    Debian { rustc: PathBuf, sysroot: PathBuf, linker: PathBuf },
}

impl Compiler {
    /// Sets a Cargo command up to compile for the browser with this compiler.
    ///
    /// The places of the checkout, of Cargo's downloads and of the standard library are taken out
    /// of the result, so that it is the same bytes on every machine.
    pub(crate) fn configure(&self, workspace: &Workspace, cargo: &mut Command) -> Result<()> {
        let mut flags = self.flags(workspace)?;
        if let Self::Debian { rustc, linker, .. } = self {
            flags.push(format!("-Clinker={}", linker.display()));
            cargo.env("RUSTC", rustc);
        }
        cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}")).args(["--target", TARGET]);
        Ok(())
    }

    /// Sets a Cargo command up to compile plugins: the linker makes components of them.
    ///
    /// # Errors
    /// When the toolchain has no such linker.
    pub(crate) fn configure_plugins(
        &self,
        workspace: &Workspace,
        cargo: &mut Command,
    ) -> Result<()> {
        let mut flags = self.flags(workspace)?;
        let tools = match self {
            Self::Own { sysroot } => linkers(sysroot)?,
            Self::Debian { rustc, linker, .. } => {
                cargo.env("RUSTC", rustc);
                linker.parent().context("the linker is in no folder")?.to_owned()
            }
        };
        flags.push(format!("-Clinker={}", tools.join("wasm-component-ld").display()));
        let inner = tools.join("gcc-ld/wasm-ld");
        flags.push(format!("-Clink-arg=--wasm-ld-path={}", inner.display()));
        cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}")).args(["--target", TARGET]);
        Ok(())
    }

    /// The flags with any linker.
    fn flags(&self, workspace: &Workspace) -> Result<Vec<String>> {
        let home = std::env::home_dir().context("no home folder")?;
        let downloads = std::env::var_os("CARGO_HOME").map_or(home.join(".cargo"), PathBuf::from);
        let mut flags = vec![
            format!("--remap-path-prefix={}=/myrelay", workspace.root().display()),
            format!("--remap-path-prefix={}=/cargo", downloads.display()),
        ];
        match self {
            Self::Own { sysroot } => {
                flags.push(format!("--remap-path-prefix={}=/rust", sysroot.display()));
            }
            Self::Debian { sysroot, .. } => {
                flags.push(format!("--remap-path-prefix={}=/rust", sysroot.display()));
                flags.push(format!("--sysroot={}", sysroot.display()));
            }
        }
        Ok(flags)
    }

    /// Whether Clippy reads this compiler's libraries: it only reads those of its own toolchain.
    pub(crate) fn has_clippy(&self) -> bool {
        match self {
            Self::Own { sysroot } => sysroot.join("bin/cargo-clippy").is_file(),
            Self::Debian { .. } => false,
        }
    }
}

/// The compiler for the browser part, installed first where there is none.
///
/// # Errors
/// When rustup cannot download the standard library and Debian's packages cannot be installed
/// either.
pub(crate) fn install(workspace: &Workspace, toolchain: &Toolchain) -> Result<Compiler> {
    if toolchain.has_wasm() {
        return Ok(Compiler::Own { sysroot: toolchain.sysroot.clone() });
    }
    let sysroot = workspace.target().join("wasm-sysroot");
    if let Ok(compiler) = debians(toolchain, &sysroot)
        && is_current(&compiler, &sysroot)
    {
        return Ok(compiler);
    }
    report::step(format!("Getting Rust's standard library for {TARGET}"));
    let mut rustup = process::command("rustup");
    rustup.args(["target", "add", TARGET]);
    match process::run_for(&mut rustup, PATIENCE) {
        Ok(()) if toolchain.has_wasm() => {
            return Ok(Compiler::Own { sysroot: toolchain.sysroot.clone() });
        }
        Ok(()) => report::line("  rustup added it to another toolchain than the one in use"),
        Err(error) => report::line(format!("  not from rustup: {error:#}")),
    }
    debian::install(&["rustc-web", "rust-web-src"])?;
    let compiler = debians(toolchain, &sysroot)?;
    build_std(workspace, &compiler, &sysroot)?;
    Ok(compiler)
}

/// Debian's current compiler, as the package `rustc-web` brings it.
fn debians(toolchain: &Toolchain, sysroot: &Path) -> Result<Compiler> {
    let files = process::output(process::command("dpkg").args(["--listfiles", "rustc-web"]))?;
    let rustc = files.lines().find(|file| file.ends_with("/bin/rustc"));
    let rustc = rustc.context("the package rustc-web has no rustc")?;
    let linker = linkers(&toolchain.sysroot)?.join("rust-lld");
    Ok(Compiler::Debian { rustc: rustc.into(), sysroot: sysroot.to_owned(), linker })
}

/// The folder of a toolchain in which its linkers are.
fn linkers(sysroot: &Path) -> Result<PathBuf> {
    let libraries = sysroot.join("lib/rustlib");
    fs::read_dir(&libraries)?
        .filter_map(Result::ok)
        .map(|host| host.path().join("bin"))
        .find(|tools| tools.join("rust-lld").is_file())
        .with_context(|| format!("no rust-lld below {}", libraries.display()))
}

/// The compiler that a standard library was built by, written beside it.
fn stamp(sysroot: &Path) -> PathBuf {
    sysroot.join("built-by")
}

fn version(rustc: &Path) -> Result<String> {
    process::output(process::command(rustc).arg("-vV"))
}

fn is_current(compiler: &Compiler, sysroot: &Path) -> bool {
    let Compiler::Debian { rustc, .. } = compiler else { return false };
    let built_by = fs::read_to_string(stamp(sysroot));
    built_by.is_ok_and(|built_by| version(rustc).is_ok_and(|now| now == built_by))
}

/// Builds the standard library for wasm from the source that Debian ships beside its compiler.
fn build_std(workspace: &Workspace, compiler: &Compiler, sysroot: &Path) -> Result<()> {
    let Compiler::Debian { rustc, .. } = compiler else { bail!("only Debian's needs this") };
    report::step("Building Rust's standard library for the browser with Debian's compiler");
    let crate_folder = workspace.target().join("wasm-std");
    fs::create_dir_all(crate_folder.join("src"))?;
    fs::write(crate_folder.join("src/lib.rs"), "")?;
    // A workspace of its own, or Cargo takes it for a stray member of ours.
    fs::write(
        crate_folder.join("Cargo.toml"),
        "[package]\nname = \"nothing\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n",
    )?;
    let output = crate_folder.join("target");
    let mut cargo = workspace.cargo();
    cargo
        .current_dir(&crate_folder)
        .env("RUSTC", rustc)
        // `-Zbuild-std` is for nightly compilers; this lets a stable one do it.
        .env("RUSTC_BOOTSTRAP", "1")
        // Without bitcode no `lto = true` build can use the library.
        .env("CARGO_ENCODED_RUSTFLAGS", "-Cembed-bitcode=yes")
        .env("CARGO_TARGET_DIR", &output)
        .args(["build", "--quiet", "--release", "-Zbuild-std=std,panic_abort", "--target", TARGET]);
    process::run(&mut cargo)?;

    let libraries = sysroot.join("lib/rustlib").join(TARGET).join("lib");
    if sysroot.exists() {
        fs::remove_dir_all(sysroot)?;
    }
    fs::create_dir_all(&libraries)?;
    for library in fs::read_dir(output.join(TARGET).join("release/deps"))? {
        let library = library?.path();
        let name = library.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".rlib") && !name.starts_with("libnothing-") {
            fs::copy(&library, libraries.join(name))?;
        }
    }
    // Cargo does not notice a changed standard library.
    if workspace.target_wasm().exists() {
        fs::remove_dir_all(workspace.target_wasm())?;
    }
    fs::remove_dir_all(&crate_folder)?;
    fs::write(stamp(sysroot), version(rustc)?)?;
    Ok(())
}
