//! `keygen`, `sign` and `verify`: who publishes a package.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use clap::{Arg, ArgAction, ArgMatches, Command};
use myrelay_plugin_package::{
    PACKAGE_BYTES, Package, PublisherKey, Rotation, SigningKey, keygen as new_key,
    sign as signature, verify as verified,
};
use zeroize::Zeroizing;

use crate::{
    files,
    inspect::{open, package_argument, signature_of},
};

/// The most bytes of a key's file and of a signature's.
const TEXT_BYTES: usize = 4096;

fn password_option() -> Arg {
    crate::file_option(
        "password-file",
        "A file whose first line is the password; asked for otherwise",
    )
}

pub(crate) fn keygen_command() -> Command {
    Command::new("keygen")
        .about("Make a publisher's key: a secret file to sign with, a public one to hand out")
        .arg(crate::file_option("secret", "The secret key").default_value("minisign.key"))
        .arg(crate::file_option("public", "The public key").default_value("minisign.pub"))
        .arg(password_option())
        .arg(
            Arg::new("unencrypted")
                .long("unencrypted")
                .action(ArgAction::SetTrue)
                .conflicts_with("password-file")
                .help("No password: whoever reads the secret file can sign"),
        )
}

pub(crate) fn keygen(matches: &ArgMatches, out: &mut dyn Write) -> Result<()> {
    let (secret_place, public_place) =
        (crate::path(matches, "secret"), crate::path(matches, "public"));
    for place in [&secret_place, &public_place] {
        if place.exists() {
            bail!("{} is there already, and keys are not overwritten", place.display());
        }
    }
    let unencrypted = matches.get_flag("unencrypted");
    let password = if unencrypted { None } else { Some(new_password(matches)?) };
    let (secret, public) = new_key(password.as_ref().map(|it| it.as_str()))?;
    files::create(&public_place, public.to_file().as_bytes(), 0o644)?;
    if let Err(error) = files::create(&secret_place, secret.as_bytes(), 0o600) {
        // Half a pair is none.
        let _left = fs::remove_file(&public_place);
        return Err(error);
    }
    writeln!(out, "{}  the secret key: keep it, and a copy elsewhere", secret_place.display())?;
    writeln!(out, "{}  the public key, key id {}", public_place.display(), public.key_id())?;
    writeln!(out, "{public}")?;
    Ok(())
}

pub(crate) fn sign_command() -> Command {
    Command::new("sign")
        .about("Sign a package; the signature is written beside it")
        .arg(package_argument())
        .arg(crate::file_option("key", "The secret key").default_value("minisign.key"))
        .arg(password_option())
}

pub(crate) fn sign(matches: &ArgMatches, out: &mut dyn Write) -> Result<()> {
    let place = crate::path(matches, "package");
    // What nobody could install is not signed.
    let (package, bytes) = open(&place)?;
    let opened = secret_key(matches)?;
    let manifest = package.manifest();
    let comment = format!("{} {} {}", manifest.id, manifest.version, Package::digest(&bytes));
    let signature = signature(&bytes, &opened, &comment)?;
    let beside = signature_of(&place);
    files::write(&beside, signature.as_bytes())?;
    let by = opened.publisher()?;
    writeln!(out, "{}  by {by}, key id {}", beside.display(), by.key_id())?;
    Ok(())
}

/// The secret key that is named, opened.
fn secret_key(matches: &ArgMatches) -> Result<SigningKey> {
    let key = crate::path(matches, "key");
    let text = Zeroizing::new(files::read_text(&key, TEXT_BYTES)?);
    let shown = || key.display().to_string();
    let password = if SigningKey::is_encrypted(&text).with_context(shown)? {
        Some(password(matches, "Password of the secret key: ")?)
    } else {
        None
    };
    let opened = SigningKey::open(&text, password.as_ref().map(|it| it.as_str()));
    opened.with_context(shown)
}

pub(crate) fn rotate_command() -> Command {
    let to = Arg::new("to").long("to").value_name("KEY").required(true).help(
        "The public key that comes after it: a file such as minisign.pub, or its second line",
    );
    Command::new("rotate")
        .about("Say with a publisher's key which key comes after it; written to KEY-ID.rotation")
        .arg(crate::file_option("key", "The secret key before").default_value("minisign.key"))
        .arg(to)
        .arg(crate::file_option("out", "Where it is written; by default KEY-ID.rotation"))
        .arg(password_option())
}

pub(crate) fn rotate(matches: &ArgMatches, out: &mut dyn Write) -> Result<()> {
    let to = publisher(matches.get_one::<String>("to").map_or("", String::as_str))?;
    let key = secret_key(matches)?;
    let before = key.publisher()?;
    let from = before.key_id();
    let text = Rotation::sign(&key, &to)?;
    let named = matches.get_one::<PathBuf>("out").cloned();
    let place = named.unwrap_or_else(|| PathBuf::from(format!("{from}.rotation")));
    files::create(&place, text.as_bytes(), 0o644)?;
    writeln!(out, "{}  {from} becomes {}", place.display(), to.key_id())?;
    writeln!(out, "{before} becomes {to}")?;
    writeln!(out, "Hand it on with every package until all who install yours have it.")?;
    Ok(())
}

pub(crate) fn verify_command() -> Command {
    let key = Arg::new("key")
        .long("key")
        .value_name("KEY")
        .required(true)
        .help("The publisher's public key: a file such as minisign.pub, or its second line");
    Command::new("verify")
        .about("Verify that a package is sound and that a publisher signed it")
        .arg(package_argument())
        .arg(key)
        .arg(crate::file_option("signature", "The signature; by default PACKAGE.minisig"))
}

pub(crate) fn verify(matches: &ArgMatches, out: &mut dyn Write) -> Result<()> {
    let place = crate::path(matches, "package");
    let named = matches.get_one::<PathBuf>("signature").cloned();
    let signature_place = named.unwrap_or_else(|| signature_of(&place));
    let key = matches.get_one::<String>("key").map_or("", String::as_str);
    let key = publisher(key)?;
    let signature = files::read_text(&signature_place, TEXT_BYTES)?;
    // Who made it first, and what is in it only then; the same bytes both times.
    let bytes = files::read(&place, PACKAGE_BYTES)?;
    let signed = verified(&bytes, &signature, &key);
    let signed = signed.with_context(|| place.display().to_string())?;
    let package = Package::open(&bytes).with_context(|| place.display().to_string())?;
    let manifest = package.manifest();
    writeln!(out, "ok         {} {}", manifest.id, manifest.version)?;
    writeln!(out, "signed by  {key}, key id {}", signed.key_id)?;
    writeln!(out, "says       {}", signed.comment)?;
    Ok(())
}

/// A key by its file or by itself.
fn publisher(text: &str) -> Result<PublisherKey> {
    if let Ok(key) = PublisherKey::parse(text) {
        return Ok(key);
    }
    let file = files::read_text(Path::new(text), TEXT_BYTES)?;
    PublisherKey::parse(&file).with_context(|| text.to_owned())
}

fn password(matches: &ArgMatches, prompt: &str) -> Result<Zeroizing<String>> {
    let Some(file) = matches.get_one::<PathBuf>("password-file") else {
        let asked = rpassword::prompt_password(prompt);
        return asked
            .map(Zeroizing::new)
            .context("cannot ask for a password here: use --password-file");
    };
    let text = Zeroizing::new(files::read_text(file, TEXT_BYTES)?);
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}

/// A password for a new key, typed twice where it is typed.
fn new_password(matches: &ArgMatches) -> Result<Zeroizing<String>> {
    let first = password(matches, "Password for the new secret key: ")?;
    if first.is_empty() {
        bail!("a password has at least one character; --unencrypted makes a key without one");
    }
    if !matches.contains_id("password-file") && *first != *password(matches, "The same again: ")? {
        bail!("the two passwords differ");
    }
    Ok(first)
}
