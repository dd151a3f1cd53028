import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { sentenceOf } from "../../../api/client";
import { versionQuery, versionsQuery } from "../../../api/queries";
import type { Catalog } from "../../../api/types";
import { t } from "../../../i18n/en";
import { Failure, Skeleton } from "../../../ui/states";
import { type CardChange, diff } from "../model/diff";
import type { Document } from "../model/document";
import { conditionWords, fieldsOf, sentence, stepSummary, triggerWords } from "../model/words";
import { ChangeList, cardName, KindChip } from "./change-list";
import { useDraft, useEditing } from "./draft-context";

/** Two forms of a workflow beside each other, aligned by step. */
export function ComparePage() {
  const { id, workflow, catalog } = useEditing();
  const search = useSearch({ from: "/shell/workflows/$id/compare" });
  const navigate = useNavigate({ from: "/workflows/$id/compare" });
  const draft = useDraft((state) => state.document);
  const [a, b] = [search.a ?? workflow.version ?? 0, search.b ?? 0];
  const left = useQuery({ ...versionQuery(id, a), enabled: a > 0 });
  const right = useQuery({ ...versionQuery(id, b), enabled: b > 0 });
  const versions = useQuery(versionsQuery(id));
  const before = (a > 0 ? left.data?.definition : draft) as Document | undefined;
  const after = (b > 0 ? right.data?.definition : draft) as Document | undefined;
  const error = left.error ?? right.error;
  const numbers = versions.data?.items.map((each) => each.version) ?? [];

  const select = (side: "a" | "b", value: number) => (
    <select
      className="select"
      style={{ width: "auto" }}
      aria-label={`${t.versions.title} ${side}`}
      value={value}
      onChange={(event) =>
        navigate({ search: (now) => ({ ...now, [side]: Number(event.target.value) }), replace: true })
      }
    >
      {numbers.map((number) => (
        <option key={number} value={number}>
          {t.versions.version(number)}
          {number === workflow.version ? ` (${t.versions.live})` : ""}
        </option>
      ))}
      <option value={0}>{t.versions.draft}</option>
    </select>
  );

  if (error) {
    return (
      <div className="page-body">
        <Failure sentence={sentenceOf(error)} again={t.tryAgain} />
      </div>
    );
  }
  return (
    <div className="page-body" style={{ paddingTop: 20 }}>
      <div className="compare">
        {select("a", a)}
        {select("b", b)}
        {before && after ? (
          <>
            <p className="small muted">{sentence(before, catalog)}</p>
            <p className="small muted">{sentence(after, catalog)}</p>
            {diff(before, after).map((change) => (
              <Pair
                key={change.card + change.kind}
                change={change}
                before={before}
                after={after}
                catalog={catalog}
              />
            ))}
          </>
        ) : (
          <Skeleton label={t.loading} />
        )}
      </div>
    </div>
  );
}

interface PairProps {
  change: CardChange;
  before: Document;
  after: Document;
  catalog: Catalog | undefined;
}

function Pair({ change, before, after, catalog }: PairProps) {
  if (change.card === "head" && change.kind === "same") return null;
  return (
    <>
      <Side change={change} document={before} side="before" catalog={catalog} />
      <Side change={change} document={after} side="after" catalog={catalog} />
    </>
  );
}

interface SideProps {
  change: CardChange;
  document: Document;
  side: "before" | "after";
  catalog: Catalog | undefined;
}

function Side({ change, document, side, catalog }: SideProps) {
  const gone =
    (change.kind === "added" && side === "before") || (change.kind === "removed" && side === "after");
  if (gone) return <div className="card compare-card gap">–</div>;
  const step = side === "before" ? (change.before ?? change.after) : (change.after ?? change.before);
  const fields = fieldsOf(catalog, document.trigger?.module);
  const text =
    change.card === "trigger"
      ? triggerWords(document.trigger, catalog)
      : change.card === "conditions"
        ? document.conditions
          ? conditionWords(document.conditions, fields, catalog?.operators ?? [])
          : t.builder.noConditions
        : change.card === "head"
          ? (document.name ?? "")
          : step
            ? stepSummary(step)
            : "";
  return (
    <div className={`card compare-card ${change.kind}`}>
      <div className="row spread">
        <h2>{cardName(change, catalog)}</h2>
        {side === "after" || change.kind === "removed" ? <KindChip kind={change.kind} /> : null}
      </div>
      <p className="small wrap-anywhere">{text}</p>
      {side === "after" && change.properties.length > 0 && (
        <ChangeList list={[{ ...change }]} catalog={catalog} module={document.trigger?.module} />
      )}
    </div>
  );
}
