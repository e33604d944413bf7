// Runs a command in every workspace that is there:  node scripts/each.mjs <command> [arguments…]
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const [command, ...args] = process.argv.slice(2);
for (const workspace of ["protocol", "widget", "console"]) {
  if (!existsSync(`${root}${workspace}/tsconfig.json`)) continue;
  const { status } = spawnSync(command, args, { cwd: `${root}${workspace}`, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
