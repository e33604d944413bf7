// Fails when a built file is heavier than what a host page may be asked to carry (gzip, bytes).
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const root = fileURLToPath(new URL("../static/", import.meta.url));
const weigh = (path) => gzipSync(readFileSync(path), { level: 9 }).length;
const folder = (path, ending) =>
  existsSync(path) ? readdirSync(path).filter((name) => name.endsWith(ending)).map((name) => `${path}/${name}`) : [];

const budgets = [
  ["widget.js (loader)", 5 * 1024, [`${root}widget.js`]],
  ["widget/ (chat, scripts)", 45 * 1024, folder(`${root}widget/assets`, ".js")],
];
let failed = false;
for (const [name, limit, files] of budgets) {
  const bytes = files.map(weigh).reduce((sum, size) => sum + size, 0);
  const ok = files.length > 0 && bytes <= limit;
  console.log(`${ok ? "ok " : "BAD"} ${name}: ${bytes} of ${limit} bytes gzip`);
  failed ||= !ok;
}
process.exit(failed ? 1 : 0);
