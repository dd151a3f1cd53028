/** What the address of a list of runs says. */
export interface RunsSearch {
  status?: string[];
  workflow?: string;
  module?: string;
  record?: string;
  text?: string;
  version?: number;
  from?: string;
  to?: string;
}

export const STATUSES = ["failed", "waiting", "running", "success", "skipped", "canceled"] as const;

/** The search of any address, as far as it is one of ours. */
export function runsSearch(search: Record<string, unknown>): RunsSearch {
  const found: RunsSearch = {};
  const wanted = Array.isArray(search.status) ? search.status : [search.status];
  const statuses = STATUSES.filter((each) => wanted.includes(each));
  if (statuses.length) found.status = statuses;
  for (const name of ["workflow", "module", "record", "text", "from", "to"] as const) {
    const value = search[name];
    if (typeof value === "string" && value !== "") found[name] = value;
    else if (typeof value === "number") found[name] = String(value);
  }
  if (typeof search.version === "number") found.version = search.version;
  return found;
}
