import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/features/catalog";
import { sentenceText, stopInWords, waitInWords, workflowSentence } from "../../src/features/builder/model/words";
import { catalog } from "../catalog";
import { branching } from "./documents";

describe("the sentence of a workflow", () => {
  it("nests with its branches", () => {
    expect(sentenceText(workflowSentence(catalog, branching()))).toBe(
      "When lead is created and Source is Web Form: send email, if Amount is greater than 50,000: create task, then create task; " +
        "if Amount is greater than 5,000: create task; otherwise: stop as success: Too small, then call webhook.",
    );
  });

  it("says what is missing", () => {
    expect(sentenceText(workflowSentence(catalog, {}))).toBe("When … happens: nothing yet.");
  });

  it("says how a trigger is narrowed", () => {
    const doc = { trigger: { module: "leads", event: "updated", fields: ["amount"], when: "becomes_true" }, actions: [{ type: "teleport" }] };
    expect(sentenceText(workflowSentence(catalog, doc))).toBe(
      "When lead is updated (Amount), once the conditions become true: teleport.",
    );
  });
});

describe("a wait", () => {
  it.each<[JsonObject, string]>([
    [{ for: "P2D" }, "Wait 2 days"],
    [{ for: "P2D", days: ["mon", "tue", "wed", "thu", "fri"], at: "09:00", time_zone: "Europe/Berlin" }, "Wait 2 days, then until Mon–Fri 09:00, Berlin"],
    [{ until: "{{ record.renewal_on }}", offset: "-P3D" }, "Wait until 3 days before Renewal on"],
    [{ for: "PT1H", days: ["wed", "mon"] }, "Wait 1 hour, then until Mon, Wed"],
    [{}, "Wait …"],
  ])("%j reads %s", (settings, words) => {
    expect(waitInWords(settings)).toBe(words);
  });
});

it("a stop says how it ends and why", () => {
  expect(stopInWords({ outcome: "failed", reason: "No address" })).toBe("Stop as failed: No address");
});
