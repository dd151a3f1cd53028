import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Catalog } from "../src/features/catalog";

const read = (name: string) => JSON.parse(readFileSync(resolve(__dirname, `../../schemas/catalog/${name}.json`), "utf-8"));

/** What the engine serves, from the checked-in files, with the CRM of the examples. */
export const catalog: Catalog = {
  triggers: read("triggers"),
  operators: read("operators"),
  field_types: read("field-types"),
  actions: read("actions"),
  templates: read("templates"),
  modules: [
    {
      module: "leads",
      stages: ["New", "Qualified"],
      fields: [
        { name: "name", label: "Name", type: "text", options: [] },
        { name: "email", label: "Email", type: "email", options: [] },
        { name: "source", label: "Source", type: "picklist", options: ["Web Form", "Referral"] },
        { name: "priority", label: "Priority", type: "picklist", options: ["Normal", "Urgent"] },
        { name: "amount", label: "Amount", type: "money", options: [] },
        { name: "owner", label: "Owner", type: "user", options: [] },
        { name: "renewal_on", label: "Renewal", type: "date", options: [] },
        { name: "stage", label: "Stage", type: "picklist", options: [] },
      ],
    },
  ],
  users: [{ id: "u-2", name: "Grace Hopper", email: "grace@example.com" }],
};
