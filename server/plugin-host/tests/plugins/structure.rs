//! Components that are hostile by what they are made of, written by hand: no compiler makes them.

use std::{path::PathBuf, time::Duration};

use myrelay_plugin_host::{CompileError, Compiler, Grants, InstallError};

use crate::stage::{Stage, compiler};

const MANIFEST: &str = r#"
manifest = 1
[plugin]
id = "dev.example.structure"
name = "Structure"
version = "1.0.0"
kind = ["event"]
api = "1.0"
"#;

/// A component that exports what a plugin has to, and is made of these parts. `$f` is the core
/// function behind all of it.
fn component(parts: &str) -> Vec<u8> {
    let lifecycle = ["describe", "activate", "deactivate", "validate-config", "migrate", "health"];
    let exports: String =
        lifecycle.iter().map(|it| format!("(export \"{it}\" (func $g))")).collect();
    let text = format!(
        r#"(component {parts}
            (func $g (canon lift (core func $f)))
            (instance $lifecycle {exports})
            (instance $events (export "handle" (func $g)))
            (export "myrelay:plugin/lifecycle@1.0.0" (instance $lifecycle))
            (export "myrelay:plugin/events@1.0.0" (instance $events)))"#
    );
    wat::parse_str(text).unwrap()
}

/// A component with so many instances of one module, whose start function does this.
fn starting(instances: usize, module: &str) -> Vec<u8> {
    let many: String =
        (0..instances).map(|it| format!("(core instance $i{it} (instantiate $m))")).collect();
    component(&format!(
        r#"(core module $m {module} (func (export "f"))) {many}
           (alias core export $i0 "f" (core func $f))"#
    ))
}

async fn refusal(wasm: Vec<u8>) -> InstallError {
    Stage::new().install_wasm(wasm, MANIFEST, Grants::default()).await.unwrap_err()
}

/// What its first instance died of.
async fn dies_of(wasm: Vec<u8>, limit: &str) {
    let error = refusal(wasm).await;
    assert!(matches!(error, InstallError::Description(_)), "{error:?}");
    assert!(error.to_string().contains(&format!("name: {limit}")), "{error}");
}

#[tokio::test]
async fn memory_is_summed_over_all_memories() {
    let grow = "(memory 0 700) (func $s (loop $l (br_if $l (i32.ne (i32.const -1) \
                (memory.grow (i32.const 10)))))) (start $s)";
    dies_of(starting(3, grow), "Memory").await;
}

#[tokio::test]
async fn tables_are_summed_over_all_tables() {
    let grow = "(table 0 9000 funcref) (func $s (loop $l (br_if $l (i32.ne (i32.const -1) \
                (table.grow (ref.null func) (i32.const 100)))))) (start $s)";
    dies_of(starting(3, grow), "TableElements").await;
    let grow = "(table 0 funcref) (func $s (loop $l (br_if $l (i32.ne (i32.const -1) \
                (table.grow (ref.null func) (i32.const 100)))))) (start $s)";
    dies_of(starting(1, grow), "TableElements").await;
}

#[tokio::test]
async fn handles_are_counted() {
    let flood = component(
        r#"(type $r (resource (rep i32)))
           (core func $new (canon resource.new $r))
           (core module $m (import "" "new" (func $new (param i32) (result i32)))
               (func $s (loop $l (drop (call $new (i32.const 1))) (br $l))) (start $s)
               (func (export "f")))
           (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
           (alias core export $i "f" (core func $f))"#,
    );
    dies_of(flood, "Handles").await;
}

#[tokio::test]
async fn a_loop_at_the_start_ends_too() {
    dies_of(starting(1, "(func $s (loop $l (br $l))) (start $s)"), "Cpu").await;
}

#[tokio::test]
async fn what_the_engine_does_not_take_is_refused_before_it_is_compiled() {
    let modules = [
        ("memory64", "(memory i64 1)"),
        ("threads", "(memory 1 1 shared)"),
        ("several memories in a module", "(memory 1) (memory 1)"),
        ("exceptions", "(tag)"),
        (
            "relaxed SIMD",
            "(func (param v128 v128) (result v128) \
            (i8x16.relaxed_swizzle (local.get 0) (local.get 1)))",
        ),
        ("garbage collection", "(type (struct))"),
    ];
    for (what, module) in modules {
        let error = refusal(starting(1, module)).await;
        assert!(matches!(error, InstallError::Component(_)), "{what}: {error:?}");
    }
    for bytes in [&b""[..], b"\0asm", b"no component", &wat::parse_str("(module)").unwrap()] {
        let error = refusal(bytes.to_vec()).await;
        assert!(matches!(error, InstallError::Component(_)), "{error:?}");
    }
    let modules: String = (0..200).map(|it| format!("(core module $x{it})")).collect();
    let error = refusal(component(&format!(
        r#"{modules} (core module $m (func (export "f"))) (core instance $i (instantiate $m))
           (alias core export $i "f" (core func $f))"#
    )))
    .await;
    assert!(error.to_string().contains("core modules"), "{error}");
}

#[tokio::test]
async fn a_component_that_was_built_for_another_interface_is_refused_by_both_names() {
    let built_for = |version: &str| {
        component(&format!(
            r#"(@custom "myrelay:plugin-api" "{version}")
               (core module $m (func (export "f"))) (core instance $i (instantiate $m))
               (alias core export $i "f" (core func $f))"#
        ))
    };
    let error = refusal(built_for("1.7")).await;
    assert!(matches!(error, InstallError::Component(_)), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("myrelay:plugin@1.7") && text.contains("api = \"1.0\""), "{text}");
    // One that was built for it goes on, and is asked who it is.
    let error = refusal(built_for("1.0")).await;
    assert!(matches!(error, InstallError::Description(_)), "{error:?}");
}

#[tokio::test]
async fn an_import_that_was_not_granted_is_refused_by_name() {
    let importing = |name: &str| {
        component(&format!(
            r#"(import "{name}" (instance))
               (core module $m (func (export "f"))) (core instance $i (instantiate $m))
               (alias core export $i "f" (core func $f))"#
        ))
    };
    for (name, line) in [
        ("myrelay:plugin/http@1.0.0", "[[capabilities.http]]"),
        ("myrelay:plugin/smtp@1.0.0", "[[capabilities.smtp]]"),
        ("myrelay:plugin/kv@1.0.0", "kv = {}"),
        ("myrelay:plugin/crypto@1.0.0", "crypto = true"),
        ("myrelay:plugin/secrets@1.0.0", "[[secrets]]"),
        ("myrelay:plugin/secrets-reveal@1.0.0", "myrelay:plugin@1 only"),
        ("myrelay:plugin/log@2.0.0", "myrelay:plugin@1 only"),
        ("wasi:sockets/tcp@0.2.0", "without WASI"),
    ] {
        let error = refusal(importing(name)).await;
        assert!(matches!(error, InstallError::Imports(_)), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(name) && text.contains(line), "{text}");
    }
    // Asked for, and not granted.
    let manifest = MANIFEST.to_owned() + "[capabilities]\nkv = {}\n";
    let stage = Stage::new();
    let kv = importing("myrelay:plugin/kv@1.0.0");
    let error = stage.install_wasm(kv, &manifest, Grants::default()).await.unwrap_err();
    assert!(error.to_string().contains("the operator has not granted it"), "{error}");
}

#[tokio::test]
async fn compiling_is_limited_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let simple = starting(1, "");
    let once = compiler(&folder).compile(&simple).await.unwrap();
    let written = std::fs::metadata(&once.artifact).unwrap().modified().unwrap();
    // Another compiler takes what is there.
    let again = compiler(&folder).compile(&simple).await.unwrap();
    assert_eq!(once, again);
    assert_eq!(std::fs::metadata(&again.artifact).unwrap().modified().unwrap(), written);

    // A function that takes long: no more than its CPU time, and nothing is kept.
    // Branches over values that all depend on one another, and no division can be left out.
    let steps = (0..15_000).map(|it| {
        let (a, b, c) = (it % 300, it * 7 % 300, it * 13 % 300);
        format!(
            "(block (br_if 0 (local.get {a})) \
             (local.set {b} (i32.div_u (local.get {c}) (local.get {a}))))"
        )
    });
    let body: String = steps.collect();
    let locals = "i32 ".repeat(300);
    let large = format!(r#"(func (export "large") (local {locals}) {body})"#);
    let large = starting(1, &large);
    let hasty = compiler(&folder).with_limits(Duration::from_secs(1), 2 << 30);
    let error = hasty.compile(&large).await.unwrap_err();
    assert_eq!(error, CompileError::Limit("1 s of CPU time".to_owned()));
    let poor = compiler(&folder).with_limits(Duration::from_secs(60), 80 << 20);
    let error = poor.compile(&large).await.unwrap_err();
    assert!(matches!(&error, CompileError::Limit(why) if why.contains("memory")), "{error}");
    assert_eq!(std::fs::read_dir(folder.path().join("cache")).unwrap().count(), 1);
}

#[tokio::test]
async fn a_compiler_that_cannot_begin_is_not_the_components_fault() {
    let folder = tempfile::tempdir().unwrap();
    let program = PathBuf::from(env!("CARGO_BIN_EXE_myrelay-plugin-compile"));
    // Three numbers are a user without a group.
    let odd = Compiler::new(program, vec!["7".to_owned()], &folder.path().join("cache")).unwrap();
    let error = odd.compile(&starting(1, "")).await.unwrap_err();
    assert!(matches!(&error, CompileError::Failed(why) if why.contains("UID GID")), "{error:?}");
}
