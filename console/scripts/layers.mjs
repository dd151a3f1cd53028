// Holds the layers: app may import features, ui and api; a feature ui and api, and other features only by
// their index; ui and api nothing above them; a model neither React nor the network.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

const ROOT = resolve("src");
const IMPORT = /(?:from|import)\s*\(?\s*"([^"]+)"/g;

function files(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path) : /\.tsx?$/.test(name) ? [path] : [];
  });
}

const layer = (path) => path.split("/")[0];
const feature = (path) => path.split("/")[1];
const broken = [];
for (const path of files(ROOT)) {
  const here = relative(ROOT, path);
  for (const [, target] of readFileSync(path, "utf8").matchAll(IMPORT)) {
    const inModel = here.includes("/model/");
    if (inModel && /^(react|react-dom|react-aria-components|@tanstack)/.test(target))
      broken.push([here, target]);
    if (!target.startsWith(".")) continue;
    const there = relative(ROOT, resolve(dirname(path), target));
    const [from, to] = [layer(here), layer(there)];
    const other = from === "features" && to === "features" && feature(here) !== feature(there);
    if ((from === "ui" || from === "api") && (to === "features" || to === "app")) broken.push([here, target]);
    if (from === "features" && to === "app") broken.push([here, target]);
    if (other && !/^features\/[^/]+(\/(index(\.ts)?|model\/.*))?$/.test(there)) broken.push([here, target]);
    if (inModel && to === "api" && !there.startsWith("api/types")) broken.push([here, target]);
  }
}
for (const [from, to] of broken) console.error(`src/${from} must not import ${to}`);
process.exit(broken.length ? 1 : 0);
