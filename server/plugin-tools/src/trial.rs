//! A plugin host for one plugin on its author's machine, with everything granted that it asks for.

use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, Result, bail};
use clap::{Arg, ArgMatches, value_parser};
use myrelay_plugin_host::{
    Call, CallRequest, Compiler, Grants, InProcess, Installation, Limits, Line, Manifest, Network,
    Options, PluginHost as _, PluginSecret, PrivateNet, SystemResolver, mozillas_roots,
};
use myrelay_plugin_package::Package;

/// The name that the plugin is installed under.
pub(crate) const ID: &str = "trial";
/// The program that compiles components.
const PROGRAM: &str = "myrelay-plugin-compile";

/// The option that names the program that compiles.
pub(crate) fn compiler_option() -> Arg {
    Arg::new("compiler")
        .long("compiler")
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .env("MYRELAY_PLUGIN_COMPILE")
        .help("The program myrelay-plugin-compile; by default the one beside this program")
}

/// A call of the plugin at its first try, as of this time, in milliseconds since 1970 UTC. The
/// installation's key is the same in every trial, so that idempotency keys are too.
pub(crate) fn request(
    call: Call,
    (delivery, now_ms): (String, u64),
    config: String,
    secrets: BTreeMap<String, PluginSecret>,
) -> Result<CallRequest> {
    Ok(CallRequest {
        installation: ID.to_owned(),
        call,
        delivery_id: delivery,
        attempt: 1,
        now_ms,
        started_ms: now_ms,
        test_mode: true,
        trace_parent: None,
        config,
        secrets,
        installation_key: PluginSecret::new("0".repeat(32)).context("no installation key")?,
    })
}

/// A compiler that keeps what it compiled in the plugin's own folder.
pub(crate) fn compiler(matches: &ArgMatches, folder: &Path) -> Result<Compiler> {
    let program = match matches.get_one::<PathBuf>("compiler") {
        Some(program) => program.clone(),
        None => {
            env::current_exe().context("cannot tell where this program is")?.with_file_name(PROGRAM)
        }
    };
    if !program.is_file() {
        bail!(
            "there is no {}, which compiles plugins: it comes with myrelay; \
             name it by --compiler or MYRELAY_PLUGIN_COMPILE",
            program.display()
        );
    }
    let cache = folder.join("target/compiled");
    Ok(Compiler::new(program, Vec::new(), &cache)?)
}

/// A host with the plugin in it, ready to be called, and perhaps something in the way of its requests.
pub(crate) async fn install(
    compiler: Compiler,
    package: &Package,
    private: &[PrivateNet],
    line: Option<Arc<dyn Line>>,
) -> Result<InProcess> {
    let network = Network {
        resolver: Arc::new(SystemResolver),
        roots: Arc::new(mozillas_roots()),
        own: Vec::new(),
        user_agent: concat!("myrelay-plugin/", env!("CARGO_PKG_VERSION")).to_owned(),
    };
    let host = InProcess::new(Options { compiler, network })?;
    let host = match line {
        Some(line) => host.with_line(line),
        None => host,
    };
    let manifest = package.manifest();
    let installation = Installation {
        id: ID.to_owned(),
        manifest: package.manifest_text().to_owned(),
        wasm: package.wasm().to_vec(),
        grants: grants(manifest, private),
        limits: Limits::asked(manifest),
    };
    host.install(installation).await?;
    Ok(host)
}

/// Everything that a manifest asks for; where it asks for hosts that an operator names, all hosts.
fn grants(manifest: &Manifest, private: &[PrivateNet]) -> Grants {
    let mut grants = Grants::all_asked(manifest);
    for grant in &mut grants.http {
        grant.any_host = grant.rule.host.is_any();
        grant.private = private.to_vec();
    }
    grants
}
