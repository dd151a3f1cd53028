/** What the grid's address says. */
export interface GridSearch {
  text?: string;
  status?: "active" | "paused" | "archived";
  module?: string;
  sort?: string;
}

const STATUSES = ["active", "paused", "archived"] as const;
const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);

/** The search of any address, as far as it is one of ours. */
export function gridSearch(search: Record<string, unknown>): GridSearch {
  const found: GridSearch = {};
  const status = STATUSES.find((each) => each === search.status);
  const [wanted, module, sort] = [text(search.text), text(search.module), text(search.sort)];
  if (wanted) found.text = wanted;
  if (status) found.status = status;
  if (module) found.module = module;
  if (sort) found.sort = sort;
  return found;
}
