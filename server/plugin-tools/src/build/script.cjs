//! Run by node for `myrelay plugin build`: one step of making a component of a plugin in JavaScript.

const { readFileSync, writeFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const { delimiter, join } = require("node:path");

/** The status that says: a package is missing; its name is what was written. */
const MISSING = 3;

const { step, folder, entry, bundle, wit, world, component } = JSON.parse(process.argv[1]);

/** A package of the plugin's folder. */
function load(name) {
  try {
    return createRequire(join(folder, "package.json"))(name);
  } catch (why) {
    // What the package itself lacks is its own for this machine: it was installed for another.
    process.stdout.write(JSON.stringify({ name, why: String(why.message).split("\n")[0] }));
    process.exit(MISSING);
  }
}

const steps = {
  /** Makes one file of the plugin, and tells which interfaces it imports. */
  async bundle() {
    const interfaces = {
      name: "interfaces",
      setup(build) {
        // An interface that nothing is used of is not imported.
        build.onResolve({ filter: /^myrelay:/ }, ({ path }) => ({
          path,
          external: true,
          sideEffects: false,
        }));
      },
    };
    const { outputFiles, metafile } = await load("esbuild").build({
      absWorkingDir: folder,
      entryPoints: [entry],
      outfile: bundle,
      bundle: true,
      charset: "utf8",
      format: "esm",
      keepNames: true,
      legalComments: "none",
      logLevel: "error",
      mainFields: ["module", "main"],
      metafile: true,
      nodePaths: (process.env.NODE_PATH ?? "").split(delimiter).filter(Boolean),
      platform: "neutral",
      plugins: [interfaces],
      target: "es2023",
      write: false,
    });
    writeFileSync(bundle, outputFiles[0].text);
    const [{ imports, exports }] = Object.values(metafile.outputs);
    const names = new Set(imports.map((it) => it.path).filter((it) => it.startsWith("myrelay:")));
    return { imports: [...names].sort(), exports };
  },

  /** Makes a component of that file. */
  async component() {
    const { componentize } = load("componentize-qjs");
    const made = await componentize({
      jsSource: readFileSync(bundle, "utf8"),
      optSize: true,
      stubWasi: true,
      sync: true,
      witPath: wit,
      world,
    });
    writeFileSync(component, made.component);
    return {};
  },
};

steps[step]().then(
  (told) => process.stdout.write(JSON.stringify(told)),
  (why) => {
    // What does not parse was told already.
    if (!why.errors) process.stderr.write(`${why.message ?? why}\n`);
    process.exitCode = 1;
  },
);
