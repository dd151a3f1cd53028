import type { Patch } from "immer";
import { applyPatches, enablePatches, produceWithPatches } from "immer";

enablePatches();

/** One step of undo: what was done in words, and how to do and undo it. */
export interface Entry {
  label: string;
  /** Where to look when it is undone: an action's id, "trigger", "conditions"; null for the whole. */
  focus: string | null;
  mergeKey: string | null;
  at: number;
  patches: Patch[];
  inverse: Patch[];
}

export interface History<Doc> {
  doc: Doc;
  past: readonly Entry[];
  future: readonly Entry[];
}

export interface Edit {
  label: string;
  focus?: string | null;
  /** Edits with one key within MERGE_WITHIN_MS of each other are one step: the typing in one field. */
  mergeKey?: string | null;
  /** Milliseconds. */
  at: number;
}

export const STEPS_KEPT = 200;
export const MERGE_WITHIN_MS = 1_000;

export function startOf<Doc>(doc: Doc): History<Doc> {
  return { doc, past: [], future: [] };
}

/** The history after an edit. The same object if the recipe changed nothing. */
export function edited<Doc extends object>(history: History<Doc>, edit: Edit, recipe: (draft: Doc) => void): History<Doc> {
  const [doc, patches, inverse] = produceWithPatches(history.doc, (draft) => {
    recipe(draft as Doc);
  });
  if (patches.length === 0) return history;
  const last = history.past.at(-1);
  const mergeKey = edit.mergeKey ?? null;
  const entry: Entry = { label: edit.label, focus: edit.focus ?? null, mergeKey, at: edit.at, patches, inverse };
  if (last !== undefined && mergeKey !== null && last.mergeKey === mergeKey && edit.at - last.at <= MERGE_WITHIN_MS) {
    const merged = { ...entry, patches: [...last.patches, ...patches], inverse: [...inverse, ...last.inverse] };
    return { doc, past: [...history.past.slice(0, -1), merged], future: [] };
  }
  return { doc, past: [...history.past, entry].slice(-STEPS_KEPT), future: [] };
}

/** Ends the merging of edits: what is typed after a blur is a step of its own. */
export function sealed<Doc>(history: History<Doc>): History<Doc> {
  const last = history.past.at(-1);
  if (last === undefined || last.mergeKey === null) return history;
  return { ...history, past: [...history.past.slice(0, -1), { ...last, mergeKey: null }] };
}

export function undone<Doc extends object>(history: History<Doc>): { history: History<Doc>; entry: Entry } | null {
  const entry = history.past.at(-1);
  if (entry === undefined) return null;
  const doc = applyPatches(history.doc, entry.inverse);
  return { history: { doc, past: history.past.slice(0, -1), future: [entry, ...history.future] }, entry };
}

export function redone<Doc extends object>(history: History<Doc>): { history: History<Doc>; entry: Entry } | null {
  const [entry, ...future] = history.future;
  if (entry === undefined) return null;
  const doc = applyPatches(history.doc, entry.patches);
  return { history: { doc, past: [...history.past, { ...entry, mergeKey: null }], future }, entry };
}
