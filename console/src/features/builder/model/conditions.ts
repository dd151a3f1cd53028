/** Edits of a condition tree. A path is the indexes of members from the root. */
import type { CatalogField, Operator } from "../../../api/types";
import {
  type Comparison,
  type Condition,
  type GroupKind,
  groupOf,
  isComparison,
  makeGroup,
} from "./document";

export type Path = number[];

export const NEW_COMPARISON: Comparison = { field: "", op: "equals" };

/** The tree with what is at `path` replaced; `null` takes it out. A group without members goes, too. */
export function replaced(root: Condition, path: Path, by: Condition | null): Condition | null {
  const [index, ...rest] = path;
  if (index === undefined) return by;
  const group = groupOf(root);
  const member = group?.members[index];
  if (!group || !member) return root;
  const made = replaced(member, rest, by);
  const members = made ? group.members.with(index, made) : group.members.toSpliced(index, 1);
  return members.length ? makeGroup(group.kind, members) : null;
}

/** The tree with `member` added at the end of the group at `path`. */
export function added(root: Condition | null, path: Path, member: Condition): Condition {
  if (!root) return makeGroup("all", [member]);
  const group = groupOf(root);
  if (!group) return makeGroup("all", [root, member]);
  const [index, ...rest] = path;
  const inner = index === undefined ? undefined : group.members[index];
  if (index === undefined || !inner) return makeGroup(group.kind, [...group.members, member]);
  return makeGroup(group.kind, group.members.with(index, added(inner, rest, member)));
}

/** The group at `path`, made one of another kind. */
export function regrouped(root: Condition, path: Path, kind: GroupKind): Condition {
  const [index, ...rest] = path;
  const group = groupOf(root);
  if (!group) return root;
  const inner = index === undefined ? undefined : group.members[index];
  if (index === undefined || !inner) return makeGroup(kind, group.members);
  return makeGroup(group.kind, group.members.with(index, regrouped(inner, rest, kind)));
}

/** What is at `path` moved by one among its neighbours. */
export function moved(root: Condition, path: Path, by: -1 | 1): Condition {
  const [index, ...rest] = path;
  const group = groupOf(root);
  if (!group || index === undefined) return root;
  const member = group.members[index];
  if (!member) return root;
  if (rest.length) return makeGroup(group.kind, group.members.with(index, moved(member, rest, by)));
  const to = index + by;
  if (to < 0 || to >= group.members.length) return root;
  return makeGroup(group.kind, group.members.toSpliced(index, 1).toSpliced(to, 0, member));
}

/** The operators that a field may be compared by. */
export function operatorsFor(field: CatalogField | undefined, operators: Operator[]): Operator[] {
  return field ? operators.filter((each) => each.field_types.includes(field.type)) : operators;
}

/** The comparison over another field: operator and value stay where they still fit. */
export function withField(comparison: Comparison, field: CatalogField, operators: Operator[]): Comparison {
  const fitting = operatorsFor(field, operators);
  const keeps = fitting.some((each) => each.op === comparison.op);
  const op = keeps ? comparison.op : (fitting[0]?.op ?? "equals");
  const value = keeps && valueFits(comparison.value, field) ? comparison.value : undefined;
  return value === undefined ? { field: field.name, op } : { field: field.name, op, value };
}

function valueFits(value: unknown, field: CatalogField): boolean {
  if (value === undefined) return false;
  if (field.options.length && typeof value === "string") return field.options.includes(value);
  if (field.type === "number" || field.type === "money")
    return typeof value === "number" || Array.isArray(value);
  return true;
}

/** The comparison by another operator: the value stays where it has the same shape. */
export function withOperator(comparison: Comparison, to: Operator, operators: Operator[]): Comparison {
  const from = operators.find((each) => each.op === comparison.op);
  const { value: _value, ...rest } = comparison;
  const keeps = from?.takes === to.takes && comparison.value !== undefined && to.takes !== "nothing";
  return keeps ? { ...rest, op: to.op, value: comparison.value } : { ...rest, op: to.op };
}

/** How many comparisons a tree has. */
export function countOf(condition: Condition | null | undefined): number {
  if (!condition) return 0;
  if (isComparison(condition)) return 1;
  return groupOf(condition)?.members.reduce((sum, member) => sum + countOf(member), 0) ?? 0;
}
