import { Check, Dot, X } from "lucide-react";
import type { CatalogField, Operator, VerdictNode } from "../../../api/types";
import { t } from "../../../i18n/en";
import { type Condition, groupOf, isComparison } from "../model/document";
import { comparisonWords, fieldLabel, valueWords } from "../model/words";

interface Words {
  fields: CatalogField[];
  operators: Operator[];
}

const HEAD = { all: t.conditions.all, any: t.conditions.any, not: t.conditions.not };

/** A condition to read; with a verdict, each comparison with what was found. */
export function ConditionTree({ condition, ...words }: Words & { condition: Condition }) {
  if (isComparison(condition)) {
    return (
      <span className="leaf">
        <Dot size={14} aria-hidden />
        <span>{comparisonWords(condition, words.fields, words.operators)}</span>
      </span>
    );
  }
  const group = groupOf(condition);
  if (!group) return null;
  return (
    <div className="tree">
      <span className="caption">
        {HEAD[group.kind]} {t.conditions.ofThese}
      </span>
      <ul>
        {group.members.map((member, index) => (
          <li key={index}>
            <ConditionTree condition={member} {...words} />
          </li>
        ))}
      </ul>
    </div>
  );
}

/** A verdict: every comparison, whether it held, and what the value was. */
export function VerdictTree({ node, ...words }: Words & { node: VerdictNode }) {
  if ("field" in node) {
    const Icon = node.outcome ? Check : X;
    return (
      <span className={node.outcome ? "leaf held" : "leaf missed"}>
        <Icon size={14} aria-label={node.outcome ? "held" : "did not hold"} />
        <span>
          {comparisonWords(node, words.fields, words.operators)}{" "}
          <span className="muted">
            {node.why ?? `${fieldLabel(node.field, words.fields)} was ${valueWords(node.actual)}`}
          </span>
        </span>
      </span>
    );
  }
  const kind = "all" in node ? "all" : "any" in node ? "any" : "not";
  const members = "all" in node ? node.all : "any" in node ? node.any : [node.not];
  const Icon = node.outcome ? Check : X;
  return (
    <div className="tree">
      <span className={node.outcome ? "leaf held" : "leaf missed"}>
        <Icon size={14} aria-label={node.outcome ? "held" : "did not hold"} />
        <span className="caption">
          {HEAD[kind]} {t.conditions.ofThese}
        </span>
      </span>
      <ul>
        {members.map((member, index) => (
          <li key={index}>
            <VerdictTree node={member} {...words} />
          </li>
        ))}
      </ul>
    </div>
  );
}
