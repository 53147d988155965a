// Starts the islands of a page. Its own tag says where everything is and what its hash has to be.
const { glue, wasm, wasmIntegrity } = document.querySelector("script[data-wasm]").dataset;

// Islands that stand inside the children of another island need that one's context first.
const parents = [];

// Leptos names an island by its function and a hash of the function's tokens as the compiler prints
// them. The portal and this program may come from two compilers, so the hash is left out.
function island(program, component) {
  const name = component.replace(/\d+$/, "");
  const found = Object.keys(program).find((key) => key.replace(/\d+$/, "") === name);
  if (!found) throw new Error(`no island ${component}`);
  return program[found];
}

function walk(element, program) {
  if (element.localName === "leptos-island") {
    parents.at(-1)?.();
    island(program, element.dataset.component)(element);
  }
  const isChildren = element.localName === "leptos-children";
  if (isChildren) parents.push(element.$$on_hydrate);
  for (const child of element.children) walk(child, program);
  if (isChildren) parents.pop();
}

try {
  const program = await import(glue);
  await program.default({ module_or_path: fetch(wasm, { integrity: wasmIntegrity }) });
  program.hydrate();
  walk(document.body, program);
} catch (error) {
  console.error(error);
  document.getElementById("boot-failed")?.removeAttribute("hidden");
}
