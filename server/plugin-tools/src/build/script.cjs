//! Run by node for `myrelay plugin build`: one step of making a component of a plugin in JavaScript.

const { existsSync, readFileSync, writeFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const { delimiter, dirname, join, resolve, sep } = require("node:path");

/** The status that says: a package is missing; its name is what was written. */
const MISSING = 3;

const { step, folder, entry, bundle, wit, world, component } = JSON.parse(process.argv[1]);

const requireHere = createRequire(join(folder, "package.json"));

/** A package of the plugin's folder. */
function load(name) {
  try {
    return requireHere(name);
  } catch (why) {
    // What the package itself lacks is its own for this machine: it was installed for another.
    process.stdout.write(JSON.stringify({ name, why: String(why.message).split("\n")[0] }));
    process.exit(MISSING);
  }
}

/** The package that a file is of; none where it is the plugin's own. */
function packageOf(file) {
  for (let at = dirname(file); at !== folder && at !== dirname(at); at = dirname(at)) {
    const about = join(at, "package.json");
    if (!existsSync(about)) continue;
    const { name, version, license } = JSON.parse(readFileSync(about, "utf8"));
    // Folders inside a package may have one too, which says neither.
    if (!name || !version) continue;
    const npm = at.indexOf(`${sep}node_modules${sep}`);
    return {
      name,
      version,
      // Old ones have an object there.
      license: typeof license === "string" ? license : license?.type,
      place: npm < 0 ? undefined : at.slice(npm + 1).replaceAll(sep, "/"),
    };
  }
  return undefined;
}

const steps = {
  /** Makes one file of the plugin, and tells which interfaces it imports and what is in it. */
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
    const [{ imports, exports, inputs }] = Object.values(metafile.outputs);
    const names = new Set(imports.map((it) => it.path).filter((it) => it.startsWith("myrelay:")));
    const used = Object.entries(inputs).filter(([, { bytesInOutput }]) => 0 < bytesInOutput);
    const packages = used.map(([file]) => packageOf(resolve(folder, file))).filter(Boolean);
    const once = new Map(packages.map((it) => [JSON.stringify(it), it]));
    return { imports: [...names].sort(), exports, packages: [...once.values()] };
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
    return { engine: packageOf(requireHere.resolve("componentize-qjs")) };
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
