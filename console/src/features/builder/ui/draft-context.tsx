/** The draft that is being edited, and how it is kept: every change is saved by itself, or kept here until it can be. */
import { useQueryClient } from "@tanstack/react-query";
import { del, get as getKept, set as keep } from "idb-keyval";
import {
  createContext,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { useStore } from "zustand";
import { ApiProblem, call, sentenceOf } from "../../../api/client";
import type { Catalog, Draft, Problem, Role, WorkflowDetail } from "../../../api/types";
import { t } from "../../../i18n/en";
import { toast } from "../../../ui/toast";
import type { Document } from "../model/document";
import { merge, same } from "../model/merge";
import { createDraft, type DraftState, type DraftStore, type Edit } from "../model/store";

const SAVE_AFTER_MS = 800;
const TRY_AGAIN_MS = 5_000;

export type SaveState =
  | { kind: "saved" }
  | { kind: "saving" }
  | { kind: "kept" }
  | { kind: "refused"; sentence: string }
  | { kind: "conflict"; who: string; theirs: Document; etag: string };

interface Editing {
  id: string;
  workflow: WorkflowDetail;
  catalog: Catalog | undefined;
  role: Role;
  draft: DraftStore;
  problems: Problem[];
  save: SaveState;
  /** Whether anything differs from the version that is live. */
  hasDraft: boolean;
  flush: () => Promise<void>;
  /** Takes over what an answer said of the workflow: its ETag, and a draft if it is given. */
  adopt: (etag: string | null, document?: Document) => void;
  resolve: (choice: "mine" | "theirs") => void;
}

interface Kept {
  document: Document;
  base: Document;
  past: Edit[];
}

const Context = createContext<Editing | null>(null);

export function useEditing(): Editing {
  const editing = useContext(Context);
  if (!editing) throw new Error("useEditing belongs inside EditingProvider");
  return editing;
}

export function useDraft<T>(select: (state: DraftState) => T): T {
  return useStore(useEditing().draft.store, select);
}

interface Props {
  workflow: WorkflowDetail;
  etag: string | null;
  catalog: Catalog | undefined;
  role: Role;
  problems: Problem[];
  children: ReactNode;
}

export function EditingProvider({ workflow, etag, catalog, role, problems: first, children }: Props) {
  const id = workflow.id;
  const cache = useQueryClient();
  const live = (workflow.definition ?? null) as Document | null;
  const [draft] = useState(() => createDraft((workflow.draft ?? workflow.definition ?? {}) as Document));
  const [problems, setProblems] = useState(first);
  const [save, setSave] = useState<SaveState>({ kind: "saved" });
  const server = useRef({ etag: etag ?? "*", base: draft.store.getState().document });
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const busy = useRef(false);
  const inConflict = useRef(false);
  inConflict.current = save.kind === "conflict";
  const mayEdit = role === "editor" || role === "admin";
  const hasDraft = useStore(draft.store, (state) => !same(state.document, live ?? {}));

  // biome-ignore lint/correctness/useExhaustiveDependencies: meet only reads references
  const send = useCallback(async () => {
    clearTimeout(timer.current);
    const { document, past } = draft.store.getState();
    if (busy.current) return;
    if (document === server.current.base) {
      setSave((now) => (now.kind === "saving" ? { kind: "saved" } : now));
      return;
    }
    busy.current = true;
    setSave({ kind: "saving" });
    await keep(`draft:${id}`, { document, base: server.current.base, past } satisfies Kept).catch(
      () => undefined,
    );
    try {
      const answer = await call<Draft>("PUT", `/v1/workflows/${id}/draft`, {
        body: document,
        ifMatch: server.current.etag,
      });
      server.current = { etag: answer.data.etag, base: document };
      setProblems(answer.data.problems);
      setSave({ kind: draft.store.getState().document === document ? "saved" : "saving" });
      await del(`draft:${id}`).catch(() => undefined);
      cache.invalidateQueries({ queryKey: ["workflows"] });
    } catch (error) {
      if (error instanceof ApiProblem && error.status === 412) meet(error, document);
      else if (error instanceof ApiProblem && !error.isAway)
        setSave({ kind: "refused", sentence: sentenceOf(error) });
      else {
        setSave({ kind: "kept" });
        timer.current = setTimeout(() => {
          timer.current = undefined;
          send();
        }, TRY_AGAIN_MS);
      }
    } finally {
      busy.current = false;
    }
    const state = draft.store.getState();
    if (state.document !== document && timer.current === undefined)
      timer.current = setTimeout(send, SAVE_AFTER_MS);
  }, [cache, draft, id]);

  /** Somebody else saved: both are put together, or a person chooses. */
  function meet(error: ApiProblem, mine: Document) {
    const theirs = (error.body.current ?? {}) as Document;
    const newEtag = String(error.body.current_etag ?? "*");
    const who = /^(\S+) changed/.exec(error.message)?.[1]?.replace(/^key:/, "") ?? "";
    const merged = merge(server.current.base, mine, theirs);
    if (merged.clashes.length) {
      setSave({ kind: "conflict", who, theirs, etag: newEtag });
      return;
    }
    server.current = { etag: newEtag, base: theirs };
    replace(t.builder.merged(who), merged.document);
    toast(t.builder.merged(who), () => draft.undo());
    timer.current = setTimeout(send, 0);
  }

  const replace = useCallback(
    (label: string, document: Document) =>
      draft.edit(label, (current) => {
        for (const key of Object.keys(current)) delete current[key];
        Object.assign(current, document);
      }),
    [draft],
  );

  const resolve = useCallback(
    (choice: "mine" | "theirs") => {
      if (save.kind !== "conflict") return;
      server.current = { etag: save.etag, base: save.theirs };
      if (choice === "theirs") replace(t.builder.takeTheirs, save.theirs);
      setSave({ kind: "saving" });
      timer.current = setTimeout(send, 0);
    },
    [save, replace, send],
  );

  const adopt = useCallback(
    (newEtag: string | null, document?: Document) => {
      if (document !== undefined) {
        server.current.base = document;
        replace(t.builder.discarded, document);
        server.current.base = draft.store.getState().document;
      }
      if (newEtag) server.current.etag = newEtag;
      setSave({ kind: "saved" });
    },
    [draft, replace],
  );

  // What an earlier visit could not save is taken up again, its history with it.
  useEffect(() => {
    if (!mayEdit) return;
    getKept<Kept>(`draft:${id}`)
      .then((kept) => {
        if (!kept || same(kept.document, draft.store.getState().document)) return;
        const merged = merge(kept.base, kept.document, draft.store.getState().document);
        if (merged.clashes.length === 0) replace(t.builder.notSaved, merged.document);
      })
      .catch(() => undefined);
  }, [id, draft, mayEdit, replace]);

  useEffect(() => {
    if (!mayEdit) return;
    return draft.store.subscribe((state, before) => {
      if (state.document === before.document) return;
      clearTimeout(timer.current);
      setSave((now) => (now.kind === "saved" || now.kind === "refused" ? { kind: "saving" } : now));
      timer.current = setTimeout(() => {
        timer.current = undefined;
        if (!inConflict.current) send();
      }, SAVE_AFTER_MS);
    });
  }, [draft, mayEdit, send]);

  useEffect(() => {
    function leaving() {
      if (draft.store.getState().document !== server.current.base) send();
    }
    window.addEventListener("pagehide", leaving);
    window.addEventListener("online", leaving);
    return () => {
      window.removeEventListener("pagehide", leaving);
      window.removeEventListener("online", leaving);
      leaving();
    };
  }, [draft, send]);

  const editing = useMemo<Editing>(
    () => ({ id, workflow, catalog, role, draft, problems, save, hasDraft, flush: send, adopt, resolve }),
    [id, workflow, catalog, role, draft, problems, save, hasDraft, send, adopt, resolve],
  );
  return <Context value={editing}>{children}</Context>;
}
