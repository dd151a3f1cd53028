import { EllipsisVertical, Plus } from "lucide-react";
import { memo } from "react";
import type { Catalog, CatalogField, Operator } from "../../../api/types";
import { t } from "../../../i18n/en";
import { Button } from "../../../ui/button";
import { MenuButton } from "../../../ui/menu";
import { Segments } from "../../../ui/segments";
import {
  added,
  moved,
  NEW_COMPARISON,
  operatorsFor,
  type Path,
  regrouped,
  replaced,
  withField,
  withOperator,
} from "../model/conditions";
import { type Comparison, type Condition, groupOf, isComparison, makeGroup } from "../model/document";
import { conditionWords } from "../model/words";
import { ValueInput } from "./value-input";

interface Props {
  condition: Condition | null;
  fields: CatalogField[];
  catalog: Catalog | undefined;
  disabled: boolean;
  onChange: (label: string, condition: Condition | null, mergeKey?: string) => void;
}

const DEPTH_MAX = 4;
const KINDS = [
  { value: "all" as const, label: t.conditions.all },
  { value: "any" as const, label: t.conditions.any },
  { value: "not" as const, label: t.conditions.not },
];

/** The condition tree: nested cards of rows, each a field, a comparison and a value. */
export function ConditionEditor({ condition, fields, catalog, disabled, onChange }: Props) {
  const operators = catalog?.operators ?? [];
  const root = condition && isComparison(condition) ? makeGroup("all", [condition]) : condition;
  if (!root) {
    return (
      <Button
        disabled={disabled}
        onClick={() => onChange(t.conditions.condition, makeGroup("all", [NEW_COMPARISON]))}
      >
        <Plus size={15} aria-hidden />
        {t.builder.addConditions}
      </Button>
    );
  }
  return (
    <div className="stack">
      <Group
        root={root}
        group={root}
        path={[]}
        fields={fields}
        catalog={catalog}
        disabled={disabled}
        onChange={onChange}
      />
      <p className="caption">{conditionWords(root, fields, operators)}</p>
    </div>
  );
}

interface GroupProps extends Omit<Props, "condition"> {
  root: Condition;
  group: Condition;
  path: Path;
}

function Group({ root, group, path, ...rest }: GroupProps) {
  const { disabled, onChange } = rest;
  const parts = groupOf(group);
  if (!parts) return null;
  return (
    <div className="group" role="group" aria-label={t.conditions.group}>
      <div className="row spread">
        <span className="row">
          <Segments
            label={t.conditions.group}
            value={parts.kind}
            choices={KINDS}
            disabled={disabled}
            onChange={(kind) => onChange(t.conditions.group, regrouped(root, path, kind))}
          />
          <span className="small muted">{t.conditions.ofThese}</span>
        </span>
        {!disabled && path.length > 0 && <PartMenu root={root} path={path} onChange={onChange} />}
      </div>
      {parts.members.map((member, index) => {
        const here = [...path, index];
        return isComparison(member) ? (
          <Row key={here.join()} root={root} comparison={member} path={here} {...rest} />
        ) : (
          <Group key={here.join()} root={root} group={member} path={here} {...rest} />
        );
      })}
      {!disabled && (
        <div className="row">
          <Button small onClick={() => onChange(t.conditions.condition, added(root, path, NEW_COMPARISON))}>
            <Plus size={14} aria-hidden />
            {t.conditions.condition}
          </Button>
          {path.length < DEPTH_MAX - 1 && (
            <Button
              small
              onClick={() =>
                onChange(t.conditions.group, added(root, path, makeGroup("any", [NEW_COMPARISON])))
              }
            >
              <Plus size={14} aria-hidden />
              {t.conditions.group}
            </Button>
          )}
        </div>
      )}
    </div>
  );
}

interface RowProps extends Omit<Props, "condition"> {
  root: Condition;
  comparison: Comparison;
  path: Path;
}

const Row = memo(function Row({ root, comparison, path, fields, catalog, disabled, onChange }: RowProps) {
  const operators = catalog?.operators ?? [];
  const field = fields.find((each) => each.name === comparison.field);
  const operator = operators.find((each) => each.op === comparison.op);
  const put = (next: Comparison, mergeKey?: string) =>
    onChange(t.conditions.condition, replaced(root, path, next), mergeKey);
  return (
    <div className="condition-row">
      <div className="first">
        <select
          className="select"
          aria-label={t.conditions.field}
          value={comparison.field}
          disabled={disabled}
          onChange={(event) => {
            const chosen = fields.find((each) => each.name === event.target.value);
            if (chosen) put(withField(comparison, chosen, operators));
          }}
        >
          {!field && <option value={comparison.field}>{comparison.field || t.conditions.field}</option>}
          {fields.map((each) => (
            <option key={each.name} value={each.name}>
              {each.label}
            </option>
          ))}
        </select>
        <OperatorSelect
          operator={operator}
          op={comparison.op}
          choices={operatorsFor(field, operators)}
          disabled={disabled}
          onChange={(chosen) => put(withOperator(comparison, chosen, operators))}
        />
        {!disabled && <PartMenu root={root} path={path} onChange={onChange} />}
      </div>
      {operator && operator.takes !== "nothing" && (
        <ValueInput
          field={field}
          fields={fields}
          operator={operator}
          users={catalog?.users ?? []}
          stages={field?.name === "stage" ? field.options : []}
          value={comparison.value}
          disabled={disabled}
          onChange={(value) => put({ ...comparison, value }, `condition ${path.join()}`)}
        />
      )}
    </div>
  );
});

interface OperatorProps {
  operator: Operator | undefined;
  op: string;
  choices: Operator[];
  disabled: boolean;
  onChange: (operator: Operator) => void;
}

const CHANGES = /^(changed|not_changed|increased|decreased)/;

function OperatorSelect({ operator, op, choices, disabled, onChange }: OperatorProps) {
  const [over, now] = [
    choices.filter((each) => CHANGES.test(each.op)),
    choices.filter((each) => !CHANGES.test(each.op)),
  ];
  const options = (list: Operator[]) =>
    list.map((each) => (
      <option key={each.op} value={each.op}>
        {each.label}
      </option>
    ));
  return (
    <select
      className="select"
      aria-label={t.conditions.operator}
      value={op}
      disabled={disabled}
      onChange={(event) => {
        const chosen = choices.find((each) => each.op === event.target.value);
        if (chosen) onChange(chosen);
      }}
    >
      {!choices.some((each) => each.op === op) && <option value={op}>{operator?.label ?? op}</option>}
      {options(now)}
      {over.length > 0 && <optgroup label="Changed">{options(over)}</optgroup>}
    </select>
  );
}

interface PartMenuProps {
  root: Condition;
  path: Path;
  onChange: Props["onChange"];
}

function PartMenu({ root, path, onChange }: PartMenuProps) {
  const here = path.reduce<Condition | undefined>(
    (at, index) => (at ? groupOf(at)?.members[index] : undefined),
    root,
  );
  function choose(what: string) {
    if (!here) return;
    if (what === "remove") onChange(t.conditions.remove, replaced(root, path, null));
    else if (what === "duplicate") onChange(t.duplicate, added(root, path.slice(0, -1), here));
    else if (what === "wrap") onChange(t.conditions.wrap, replaced(root, path, makeGroup("any", [here])));
    else onChange(what === "up" ? t.builder.up : t.builder.down, moved(root, path, what === "up" ? -1 : 1));
  }
  return (
    <MenuButton
      label={t.more}
      groups={[
        {
          entries: [
            { id: "duplicate", label: t.duplicate },
            { id: "wrap", label: t.conditions.wrap },
            { id: "up", label: t.builder.up },
            { id: "down", label: t.builder.down },
            { id: "remove", label: t.conditions.remove, danger: true },
          ],
        },
      ]}
      onChoose={choose}
    >
      <EllipsisVertical size={15} aria-hidden />
    </MenuButton>
  );
}
