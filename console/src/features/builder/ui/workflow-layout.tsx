import "./builder.css";
import { useQuery, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useParams, useRouterState } from "@tanstack/react-router";
import { Cloud, CloudOff, FlaskConical, Redo2, Undo2 } from "lucide-react";
import { useEffect, useState } from "react";
import { call, sentenceOf } from "../../../api/client";
import { catalogQuery, draftQuery, sessionQuery, workflowQuery } from "../../../api/queries";
import type { Draft, Role } from "../../../api/types";
import { t } from "../../../i18n/en";
import { Button } from "../../../ui/button";
import { Failure, Skeleton } from "../../../ui/states";
import { toast } from "../../../ui/toast";
import { ActiveSwitch } from "../../workflows";
import type { Document } from "../model/document";
import { EditingProvider, useDraft, useEditing } from "./draft-context";
import { PublishSheet } from "./publish-sheet";

/** Everything of one workflow: its head, its tabs, and the page of the tab. */
export function WorkflowLayout() {
  const { id } = useParams({ from: "/shell/workflows/$id" });
  const { data: session } = useSuspenseQuery(sessionQuery);
  const workflow = useQuery(workflowQuery(id));
  const catalog = useQuery(catalogQuery);
  const draft = useQuery(draftQuery(id));
  if (workflow.isError) {
    return (
      <div className="page-body">
        <h1 className="visually-hidden">{t.tabs.label}</h1>
        <Failure
          sentence={sentenceOf(workflow.error)}
          again={t.tryAgain}
          onAgain={() => workflow.refetch()}
        />
      </div>
    );
  }
  if (!workflow.data || catalog.isPending || draft.isPending) {
    return (
      <div className="page-body">
        <Skeleton label={t.loading} rows={6} />
      </div>
    );
  }
  return (
    <EditingProvider
      key={id}
      workflow={workflow.data.data}
      etag={workflow.data.etag}
      catalog={catalog.data}
      role={session.role as Role}
      problems={draft.data?.problems ?? []}
    >
      <Head />
      <Outlet />
    </EditingProvider>
  );
}

const TABS = [
  { to: "/workflows/$id", label: t.tabs.builder, end: "" },
  { to: "/workflows/$id/runs", label: t.tabs.runs, end: "/runs" },
  { to: "/workflows/$id/versions", label: t.tabs.versions, end: "/versions" },
  { to: "/workflows/$id/backtests", label: t.tabs.backtests, end: "/backtests" },
] as const;

function Head() {
  const { id, workflow, draft, role, hasDraft, problems, save } = useEditing();
  const name = useDraft((state) => state.document.name ?? "");
  const canUndo = useDraft((state) => state.past.length > 0);
  const canRedo = useDraft((state) => state.future.length > 0);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const navigate = useNavigate();
  const [publishing, setPublishing] = useState(false);
  const mayEdit = role === "editor" || role === "admin";
  const inBuilder = path.replace(/\/$/, "") === `/workflows/${id}`;
  const toFix = problems.filter((each) => each.severity === "error").length;

  useEffect(() => {
    document.title = `${name || workflow.name} · ${t.product}`;
  }, [name, workflow.name]);

  useEffect(() => {
    function key(event: KeyboardEvent) {
      if (!(event.ctrlKey || event.metaKey)) return;
      const pressed = event.key.toLowerCase();
      if (pressed === "z" && !event.shiftKey) tell(draft.undo(), t.builder.undone);
      else if (pressed === "y" || (pressed === "z" && event.shiftKey)) tell(draft.redo(), t.builder.redone);
      else if (pressed === "s") toast(t.builder.saved);
      else return;
      event.preventDefault();
    }
    function tell(label: string | null, words: (label: string) => string) {
      if (label) toast(words(label));
    }
    window.addEventListener("keydown", key);
    return () => window.removeEventListener("keydown", key);
  }, [draft]);

  return (
    <>
      <header className="workflow-head">
        <h1 className="visually-hidden">{name || workflow.name}</h1>
        <input
          className="name-input grow"
          aria-label={t.builder.name}
          value={name}
          readOnly={!mayEdit}
          placeholder={workflow.name}
          maxLength={200}
          onChange={(event) => {
            const value = event.target.value;
            draft.edit(t.builder.name, (document) => void (document.name = value), "name");
          }}
        />
        <ActiveSwitch workflow={workflow} mayEdit={mayEdit && workflow.version !== null} />
        {workflow.version !== null && <span className="chip tone-quiet">v{workflow.version}</span>}
        <SaveWords />
        {mayEdit && inBuilder && (
          <span className="row nowrap">
            <Button
              look="quiet"
              small
              icon
              aria-label={t.undo}
              disabled={!canUndo}
              onClick={() => draft.undo()}
            >
              <Undo2 size={16} aria-hidden />
            </Button>
            <Button
              look="quiet"
              small
              icon
              aria-label={t.redo}
              disabled={!canRedo}
              onClick={() => draft.redo()}
            >
              <Redo2 size={16} aria-hidden />
            </Button>
          </span>
        )}
        <Button onClick={() => navigate({ to: "/workflows/$id", params: { id }, search: { test: true } })}>
          <FlaskConical size={15} aria-hidden />
          {t.builder.test}
        </Button>
        <Button
          look="primary"
          disabled={!mayEdit || (!hasDraft && workflow.version !== null)}
          title={mayEdit ? undefined : t.needsRole("editor")}
          onClick={() => setPublishing(true)}
        >
          {workflow.version === null ? t.builder.activate : t.builder.publish}
        </Button>
      </header>
      <nav className="workflow-tabs" aria-label={t.tabs.label}>
        <div className="tab-list">
          {TABS.map((tab) => (
            <Link
              key={tab.end}
              to={tab.to}
              params={{ id }}
              aria-current={path.replace(/\/$/, "") === `/workflows/${id}${tab.end}` ? "page" : undefined}
            >
              {tab.label}
            </Link>
          ))}
        </div>
      </nav>
      {inBuilder && hasDraft && mayEdit && <DraftBar toFix={toFix} />}
      {save.kind === "conflict" && <Conflict />}
      {publishing && <PublishSheet onClose={() => setPublishing(false)} />}
    </>
  );
}

function SaveWords() {
  const { save, role } = useEditing();
  if (role === "viewer" || role === "operator") return null;
  const words = {
    saved: t.builder.saved,
    saving: t.builder.saving,
    kept: t.builder.notSaved,
    refused: save.kind === "refused" ? save.sentence : "",
    conflict: save.kind === "conflict" ? t.builder.conflict(save.who) : "",
  }[save.kind];
  const away = save.kind === "kept" || save.kind === "conflict" || save.kind === "refused";
  const Icon = away ? CloudOff : Cloud;
  return (
    <span className={away ? "save-words away" : "save-words"} role="status">
      <Icon size={15} aria-hidden />
      <span className="cut">{words}</span>
    </span>
  );
}

function DraftBar({ toFix }: { toFix: number }) {
  const { id, workflow, adopt } = useEditing();
  const cache = useQueryClient();

  async function discard() {
    try {
      const answer = await call<Draft>("DELETE", `/v1/workflows/${id}/draft`);
      adopt(answer.etag, (workflow.definition ?? {}) as Document);
      cache.invalidateQueries({ queryKey: ["draft", id] });
      toast(t.builder.discarded);
    } catch (error) {
      toast(sentenceOf(error));
    }
  }

  return (
    <div className="draft-bar">
      <span className="grow">
        {workflow.version === null ? t.builder.neverLive : t.builder.liveSafe(workflow.version)}
      </span>
      {toFix > 0 && <span className="chip tone-failed">{t.builder.toFix(toFix)}</span>}
      {workflow.version !== null && (
        <>
          <Link to="/workflows/$id/compare" params={{ id }} search={{}}>
            {t.versions.title}
          </Link>
          <Button small onClick={discard}>
            {t.builder.discard}
          </Button>
        </>
      )}
    </div>
  );
}

function Conflict() {
  const { resolve } = useEditing();
  return (
    <div className="draft-bar" role="alert">
      <span className="grow">{t.builder.conflictText}</span>
      <Button small onClick={() => resolve("theirs")}>
        {t.builder.takeTheirs}
      </Button>
      <Button small look="primary" onClick={() => resolve("mine")}>
        {t.builder.keepMine}
      </Button>
    </div>
  );
}
