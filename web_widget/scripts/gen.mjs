// Writes protocol/src/frames.gen.ts from the server's frames; --check only compares. PYTHON names the interpreter.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const target = fileURLToPath(new URL("../protocol/src/frames.gen.ts", import.meta.url));
const repository = fileURLToPath(new URL("../..", import.meta.url));
const own = `${repository}.venv/bin/python`;
const python = process.env.PYTHON ?? (existsSync(own) ? own : "python3");
const { status, stdout, stderr } = spawnSync(python, ["-m", "handoff.protocol_schema", "--typescript"], {
  cwd: repository,
  encoding: "utf8",
});
if (status !== 0) {
  console.error(stderr);
  process.exit(1);
}
if (process.argv.includes("--check")) {
  if (readFileSync(target, "utf8") !== stdout) {
    console.error("protocol/src/frames.gen.ts is not what handoff/protocol.py says: run `npm run gen`");
    process.exit(1);
  }
} else writeFileSync(target, stdout);
