import type { JsonObject } from "../../src/features/catalog";

const mail = (id: string, subject: string): JsonObject => ({ id, type: "send_email", with: { to: ["{{ record.email }}"], subject, text: "Hello" } });
const task = (id: string): JsonObject => ({ id, type: "create_task", with: { subject: `Call ${id}` } });

/** mail-1, then a branch of two paths and an otherwise, then hook. */
export function branching(): JsonObject {
  return {
    name: "Welcome",
    trigger: { module: "leads", event: "created" },
    conditions: { all: [{ field: "source", op: "equals", value: "Web Form" }] },
    actions: [
      mail("mail-1", "Welcome"),
      {
        id: "size",
        type: "branch",
        with: {
          paths: [
            { name: "Large", when: { field: "amount", op: "greater_than", value: 50000 }, actions: [task("large-1"), task("large-2")] },
            { name: "Medium", when: { field: "amount", op: "greater_than", value: 5000 }, actions: [task("medium-1")] },
          ],
          otherwise: [{ id: "end", type: "stop", with: { outcome: "success", reason: "Too small" } }],
        },
      },
      { id: "hook", type: "webhook", with: { url: "https://erp.test/leads", method: "POST", later: { unknown: true } }, new_key: 1 },
    ],
    reentry: "avoid",
  };
}
