// Builds the browser assets into static/:  node scripts/build.mjs [widget|console]…   (all by default)
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const root = fileURLToPath(new URL("..", import.meta.url));
const configs = {
  widget: ["widget/vite.config.ts", "widget/vite.loader.config.ts"],
  console: ["console/vite.config.ts"],
};
const wanted = process.argv.slice(2);
for (const name of wanted.length ? wanted : Object.keys(configs)) {
  for (const config of configs[name] ?? []) {
    if (!existsSync(root + config)) continue;
    await build({ configFile: root + config, root: `${root}${name}`, logLevel: "warn" });
  }
}
