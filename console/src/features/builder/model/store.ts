/** The draft in the browser: one document, changed only by named edits that can be undone. */
import { applyPatches, enablePatches, type Patch, produceWithPatches } from "immer";
import { createStore } from "zustand/vanilla";
import type { Document } from "./document";

enablePatches();

export const HISTORY_MAX = 200;
/** Edits of one kind within this time are one step: somebody types. */
export const MERGE_MS = 1_000;

export interface Edit {
  label: string;
  redo: Patch[];
  undo: Patch[];
  mergeKey: string | undefined;
  at: number;
}

export interface DraftState {
  document: Document;
  past: Edit[];
  future: Edit[];
  selected: string | null;
}

export type DraftStore = ReturnType<typeof createDraft>;

export function createDraft(document: Document, now: () => number = Date.now) {
  const store = createStore<DraftState>(() => ({ document, past: [], future: [], selected: null }));

  /** Changes the document by `recipe`; a later edit with the same `mergeKey` joins this one. */
  function edit(label: string, recipe: (draft: Document) => void, mergeKey?: string) {
    const state = store.getState();
    const [changed, redo, undo] = produceWithPatches(state.document, recipe);
    if (redo.length === 0) return;
    const at = now();
    const last = state.past.at(-1);
    const joins = last && mergeKey !== undefined && last.mergeKey === mergeKey && at - last.at <= MERGE_MS;
    const made: Edit = joins
      ? { label, redo: [...last.redo, ...redo], undo: [...undo, ...last.undo], mergeKey, at }
      : { label, redo, undo, mergeKey, at };
    const past = [...(joins ? state.past.slice(0, -1) : state.past), made].slice(-HISTORY_MAX);
    store.setState({ document: changed, past, future: [] });
  }

  /** Takes the last edit back; says which. */
  function undo(): string | null {
    const { past, future, document: current } = store.getState();
    const last = past.at(-1);
    if (!last) return null;
    store.setState({
      document: applyPatches(current, last.undo),
      past: past.slice(0, -1),
      future: [last, ...future],
    });
    return last.label;
  }

  /** Does again what was taken back; says which. */
  function redo(): string | null {
    const { past, future, document: current } = store.getState();
    const [next, ...rest] = future;
    if (!next) return null;
    store.setState({ document: applyPatches(current, next.redo), past: [...past, next], future: rest });
    return next.label;
  }

  function select(card: string | null) {
    store.setState({ selected: card });
  }

  return { store, edit, undo, redo, select };
}
