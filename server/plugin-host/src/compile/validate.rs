//! What a component is made of, looked at before anything is made of it.

use wasmparser::{Encoding, Parser, Payload, Validator};

use crate::{
    compile::CompileError,
    engine::FEATURES,
    limits::{ARTIFACT_BYTES, COMPONENT_NAMES, CORE_MODULES},
    text,
};

/// What a component imports and exports.
pub(super) struct Shape {
    pub(super) imports: Vec<String>,
    pub(super) exports: Vec<String>,
}

fn invalid(why: impl std::fmt::Display) -> CompileError {
    CompileError::Invalid(text::line(&why.to_string(), 300))
}

fn limit(what: String) -> CompileError {
    CompileError::Limit(what)
}

/// Validates a component by exactly what the engine takes, and reads what it imports and exports.
pub(super) fn validate(wasm: &[u8]) -> Result<Shape, CompileError> {
    if ARTIFACT_BYTES < wasm.len() {
        let bytes = wasm.len();
        return Err(limit(format!("{bytes} bytes, and {ARTIFACT_BYTES} are allowed")));
    }
    if !Parser::is_component(wasm) {
        return Err(invalid(
            "it is no component; a core module needs wasm-component-ld as its linker",
        ));
    }
    let shape = shape(wasm)?;
    Validator::new_with_features(FEATURES).validate_all(wasm).map_err(invalid)?;
    Ok(shape)
}

fn shape(wasm: &[u8]) -> Result<Shape, CompileError> {
    let mut shape = Shape { imports: Vec::new(), exports: Vec::new() };
    let (mut depth, mut modules) = (0_usize, 0);
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.map_err(invalid)? {
            Payload::Version { encoding, .. } => {
                depth += 1;
                modules += usize::from(encoding == Encoding::Module);
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    shape.imports.push(import.map_err(invalid)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    shape.exports.push(export.map_err(invalid)?.name.name.to_owned());
                }
            }
            _ => {}
        }
        if CORE_MODULES < modules {
            return Err(limit(format!("more than {CORE_MODULES} core modules")));
        }
        if COMPONENT_NAMES < shape.imports.len().max(shape.exports.len()) {
            return Err(limit(format!("more than {COMPONENT_NAMES} imports or exports")));
        }
    }
    Ok(shape)
}
