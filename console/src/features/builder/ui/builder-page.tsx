import { useNavigate, useSearch } from "@tanstack/react-router";
import { Copy, Filter, GripVertical, MoveDown, MoveUp, Plus, Trash2, X, Zap } from "lucide-react";
import { memo, useCallback, useMemo, useRef, useState } from "react";
import type { Catalog, Problem, TestOutcome, VerdictNode } from "../../../api/types";
import { t } from "../../../i18n/en";
import { Button } from "../../../ui/button";
import { MenuButton } from "../../../ui/menu";
import { ProblemLine } from "../../../ui/states";
import { Status } from "../../../ui/status";
import { toast } from "../../../ui/toast";
import { cardOfPointer, type Document, newStepId, type Step, stepOfPointer } from "../model/document";
import { chipLabel, partsOf, variablesAt } from "../model/template";
import {
  conditionWords,
  fieldsOf,
  moduleWord,
  sentence,
  stepLabel,
  stepSummary,
  triggerWords,
} from "../model/words";
import { ConditionEditor } from "./condition-editor";
import { ConditionTree, VerdictTree } from "./condition-tree";
import { useDraft, useEditing } from "./draft-context";
import { stepGroup, stepIcon } from "./icons";
import { StepSettings } from "./step-settings";
import { TestPanel } from "./test-panel";
import { TriggerSettings } from "./trigger-settings";

const GROUPS = ["people", "record", "systems"];

/** The builder: trigger, conditions and steps as one list, and the settings of what is selected beside it. */
export function BuilderPage() {
  const { id, catalog, role, draft, problems } = useEditing();
  const search = useSearch({ from: "/shell/workflows/$id/" });
  const navigate = useNavigate({ from: "/workflows/$id" });
  const document = useDraft((state) => state.document);
  const mayEdit = role === "editor" || role === "admin";
  const [tested, setTested] = useState<TestOutcome | null>(null);
  const [sample, setSample] = useState<Record<string, unknown> | undefined>(undefined);
  const [dragged, setDragged] = useState<number | null>(null);
  const [over, setOver] = useState<number | null>(null);
  const list = useRef<HTMLOListElement>(null);
  const steps = document.actions ?? [];
  const wrong = useMemo(() => byCard(problems, document), [problems, document]);
  const selected = search.step ?? null;

  const select = useCallback(
    (card: string | null) => navigate({ search: card ? { step: card } : {}, replace: true }),
    [navigate],
  );

  function focusCard(card: string) {
    requestAnimationFrame(() => {
      const found = list.current?.querySelector<HTMLElement>(`[data-card="${CSS.escape(card)}"]`);
      found?.focus();
      found?.scrollIntoView({ block: "nearest" });
    });
  }

  function add(type: string, at: number) {
    const kind = catalog?.actions.find((each) => each.type === type);
    const stepId = newStepId(
      type,
      steps.map((each) => each.id),
    );
    draft.edit(`add ${stepLabel({ type }, catalog)}`, (current) => {
      current.actions ??= [];
      current.actions.splice(at, 0, { type, id: stepId, with: structuredClone(kind?.example ?? {}) });
    });
    select(stepId);
    focusCard(stepId);
  }

  const move = useCallback(
    (from: number, to: number) => {
      draft.edit("move a step", (current) => {
        const actions = current.actions ?? [];
        if (to < 0 || to >= actions.length || from === to) return;
        const [step] = actions.splice(from, 1);
        if (step) actions.splice(to, 0, step);
      });
    },
    [draft],
  );

  function remove(index: number) {
    const step = steps[index];
    if (!step) return;
    draft.edit(`delete step ${index + 1}`, (current) => void current.actions?.splice(index, 1));
    toast(t.builder.deleted(stepLabel(step, catalog)), () => draft.undo());
    const next = steps[index + 1] ?? steps[index - 1];
    select(next?.id ?? null);
    if (next?.id) focusCard(next.id);
  }

  function duplicate(index: number) {
    const step = steps[index];
    if (!step) return;
    const stepId = newStepId(
      step.type,
      steps.map((each) => each.id),
    );
    draft.edit(`duplicate step ${index + 1}`, (current) => {
      current.actions?.splice(index + 1, 0, { ...structuredClone(step), id: stepId });
    });
    select(stepId);
    focusCard(stepId);
  }

  /** One Tab stop for the whole list: arrows move, letters act. */
  function keys(event: React.KeyboardEvent) {
    const target = event.target as HTMLElement;
    const card = target.closest<HTMLElement>("[data-card]");
    if (!card || target !== card) return;
    const cards = [...(list.current?.querySelectorAll<HTMLElement>("[data-card]") ?? [])];
    const at = cards.indexOf(card);
    const index = steps.findIndex((step) => step.id === card.dataset.card);
    const go = (to: number) => cards[Math.max(0, Math.min(to, cards.length - 1))]?.focus();
    if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      if (mayEdit && index >= 0) {
        move(index, index + (event.key === "ArrowUp" ? -1 : 1));
        focusCard(card.dataset.card ?? "");
      }
    } else if (event.key === "ArrowDown") go(at + 1);
    else if (event.key === "ArrowUp") go(at - 1);
    else if (event.key === "Home") go(0);
    else if (event.key === "End") go(cards.length - 1);
    else if (event.key === "Delete" && mayEdit && index >= 0) remove(index);
    else if (event.key.toLowerCase() === "d" && (event.ctrlKey || event.metaKey) && mayEdit && index >= 0)
      duplicate(index);
    else if ((event.key === "a" || event.key === "+") && !event.ctrlKey && !event.metaKey && mayEdit) {
      card.closest("li")?.querySelector<HTMLElement>(".add-button")?.click();
    } else return;
    event.preventDefault();
  }

  const fields = fieldsOf(catalog, document.trigger?.module);
  return (
    <div className="builder">
      <section className="canvas" aria-label={t.builder.steps}>
        <p className="canvas-sentence">{sentence(document, catalog)}</p>
        <p id="steps-help" className="visually-hidden">
          {t.builder.stepsHelp}
        </p>
        <ol ref={list} className="steps" aria-describedby="steps-help" onKeyDown={keys}>
          <li>
            <Card card="trigger" selected={selected} first onSelect={select} wrong={wrong.get("trigger")}>
              <span className="step-icon when">
                <Zap size={18} aria-hidden />
              </span>
              <span className="step-body">
                <span className="caption">{t.builder.when}</span>
                <span className="step-title">
                  {triggerWords(document.trigger, catalog) || t.builder.startsWith}
                </span>
                {tested && !tested.trigger_matches && <ProblemLine advice text={t.test.triggerNo} />}
              </span>
            </Card>
            <span className="connector" />
          </li>
          <li>
            <Card card="conditions" selected={selected} onSelect={select} wrong={wrong.get("conditions")}>
              <span className="step-icon only">
                <Filter size={18} aria-hidden />
              </span>
              <span className="step-body">
                <span className="caption">{t.builder.onlyIf}</span>
                {document.conditions ? (
                  tested?.verdict.tree ? (
                    <VerdictTree
                      node={tested.verdict.tree as VerdictNode}
                      fields={fields}
                      operators={catalog?.operators ?? []}
                    />
                  ) : (
                    <ConditionTree
                      condition={document.conditions}
                      fields={fields}
                      operators={catalog?.operators ?? []}
                    />
                  )
                ) : (
                  <span className="step-title">{t.builder.noConditions}</span>
                )}
                {document.conditions && <span className="caption step-note">{t.builder.otherwise}</span>}
              </span>
            </Card>
            <AddHere
              at={0}
              place="before the first"
              catalog={catalog}
              mayEdit={mayEdit}
              dragged={dragged}
              over={over}
              setOver={setOver}
              onDrop={move}
              onAdd={add}
            />
          </li>
          {steps.map((step, index) => (
            <li key={step.id ?? index}>
              <StepCard
                step={step}
                index={index}
                selected={selected === step.id}
                catalog={catalog}
                fieldsKey={document.trigger?.module}
                mayEdit={mayEdit}
                wrong={wrong.get(step.id ?? "")}
                outcome={tested ? outcomeOf(tested, step) : null}
                onSelect={select}
                onDrag={setDragged}
              />
              <AddHere
                at={index + 1}
                place={`after step ${index + 1}`}
                catalog={catalog}
                mayEdit={mayEdit}
                dragged={dragged}
                over={over}
                setOver={setOver}
                onDrop={move}
                onAdd={add}
              />
            </li>
          ))}
          <li>
            <span className="end-mark">{steps.length ? t.builder.end : t.builder.noActions}</span>
          </li>
        </ol>
      </section>
      {search.test ? (
        <TestPanel
          onClose={() => {
            navigate({ search: {}, replace: true });
            setTested(null);
          }}
          onTested={setTested}
          onSample={setSample}
        />
      ) : (
        <Panel
          key={selected ?? "none"}
          workflowId={id}
          selected={selected}
          sample={sample}
          wrong={wrong}
          mayEdit={mayEdit}
          onSelect={select}
          onMove={(index, by) => move(index, index + by)}
          onRemove={remove}
          onDuplicate={duplicate}
        />
      )}
    </div>
  );
}

/** Sentences of problems by card, then by parameter ("" for the card itself). */
function byCard(problems: Problem[], document: Document): Map<string, Map<string, string[]>> {
  const found = new Map<string, Map<string, string[]>>();
  for (const problem of problems) {
    if (problem.severity !== "error") continue;
    const card = cardOfPointer(problem.pointer, document);
    const parameter = /^\/with\/([^/]+)/.exec(stepOfPointer(problem.pointer)?.rest ?? "")?.[1] ?? "";
    const of = found.get(card) ?? new Map<string, string[]>();
    of.set(parameter, [...(of.get(parameter) ?? []), problem.detail]);
    found.set(card, of);
  }
  return found;
}

function outcomeOf(tested: TestOutcome, step: Step): "success" | "failed" | "not_reached" {
  if (!tested.would_run) return "not_reached";
  const action = tested.actions.find((each) => each.id === step.id);
  return action && action.problems.length > 0 ? "failed" : "success";
}

interface CardProps {
  card: string;
  selected: string | null;
  first?: boolean;
  wrong: Map<string, string[]> | undefined;
  onSelect: (card: string) => void;
  children: React.ReactNode;
}

function Card({ card, selected, first, wrong, onSelect, children }: CardProps) {
  const sentences = wrong ? [...wrong.values()].flat() : [];
  const isSelected = selected === card;
  return (
    <div
      role="button"
      className="card step-card"
      data-card={card}
      data-selected={isSelected}
      data-wrong={sentences.length > 0}
      tabIndex={isSelected || (first && selected === null) ? 0 : -1}
      aria-pressed={isSelected}
      onClick={() => onSelect(card)}
      onKeyDown={(event) => {
        if (event.key === "Enter" && event.target === event.currentTarget) onSelect(card);
      }}
    >
      {children}
      {sentences[0] && (
        <span style={{ gridColumn: "2 / -1" }}>
          <ProblemLine text={sentences[0]} />
        </span>
      )}
    </div>
  );
}

interface StepCardProps {
  step: Step;
  index: number;
  selected: boolean;
  catalog: Catalog | undefined;
  fieldsKey: string | undefined;
  mayEdit: boolean;
  wrong: Map<string, string[]> | undefined;
  outcome: "success" | "failed" | "not_reached" | null;
  onSelect: (card: string) => void;
  onDrag: (index: number | null) => void;
}

const StepCard = memo(function StepCard(props: StepCardProps) {
  const { step, index, selected, catalog, fieldsKey, mayEdit, wrong, outcome, onSelect, onDrag } = props;
  const Icon = stepIcon(step.type);
  const [dragging, setDragging] = useState(false);
  const fields = fieldsOf(catalog, fieldsKey);
  const labels = fields.map((field) => ({ path: `record.${field.name}`, label: field.label, group: "" }));
  const summary = partsOf(stepSummary(step));
  const sentences = wrong ? [...wrong.values()].flat() : [];
  const card = step.id ?? String(index);
  return (
    <div
      role="button"
      className="card step-card"
      data-card={card}
      data-selected={selected}
      data-wrong={sentences.length > 0}
      data-drag={dragging}
      tabIndex={selected ? 0 : -1}
      aria-pressed={selected}
      draggable={mayEdit}
      onDragStart={(event) => {
        event.dataTransfer.effectAllowed = "move";
        event.dataTransfer.setData("text/plain", card);
        setDragging(true);
        onDrag(index);
      }}
      onDragEnd={() => {
        setDragging(false);
        onDrag(null);
      }}
      onClick={() => onSelect(card)}
      onKeyDown={(event) => {
        if (event.key === "Enter" && event.target === event.currentTarget) onSelect(card);
      }}
    >
      <span className="step-icon">
        <Icon size={18} aria-hidden />
      </span>
      <span className="step-body">
        <span className="row spread">
          <span className="step-title">
            {index + 1} · {stepLabel(step, catalog)}
          </span>
          {outcome && <Status status={outcome} word={outcome === "success" ? "Would run" : undefined} />}
        </span>
        <span className="small muted cut">
          {summary.map((part, at) =>
            part.kind === "text" ? (
              <span key={at}>{part.text}</span>
            ) : part.kind === "value" ? (
              <span key={at} className="value-chip">
                {chipLabel(part.path, labels)}
              </span>
            ) : null,
          )}
        </span>
        {sentences[0] && <ProblemLine text={sentences[0]} />}
      </span>
      {mayEdit && (
        <span className="step-grip" title={t.builder.grip}>
          <GripVertical size={16} aria-hidden />
        </span>
      )}
    </div>
  );
});

interface AddProps {
  at: number;
  place: string;
  catalog: Catalog | undefined;
  mayEdit: boolean;
  dragged: number | null;
  over: number | null;
  setOver: (at: number | null) => void;
  onDrop: (from: number, to: number) => void;
  onAdd: (type: string, at: number) => void;
}

function AddHere({ at, place, catalog, mayEdit, dragged, over, setOver, onDrop, onAdd }: AddProps) {
  const groups = useMemo(
    () =>
      GROUPS.map((group) => ({
        title: t.builder.groups[group] ?? group,
        entries: (catalog?.actions ?? [])
          .filter((each) => stepGroup(each.type) === group)
          .map((each) => {
            const Icon = stepIcon(each.type);
            return { id: each.type, label: each.label, icon: <Icon size={16} aria-hidden /> };
          }),
      })),
    [catalog],
  );
  if (!mayEdit) return <span className="connector" />;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: where a dragged step may fall; keys move steps too
    <div
      role="presentation"
      className="add-here"
      onDragOver={(event) => {
        if (dragged === null) return;
        event.preventDefault();
        setOver(at);
      }}
      onDragLeave={() => setOver(null)}
      onDrop={(event) => {
        event.preventDefault();
        if (dragged !== null) onDrop(dragged, at > dragged ? at - 1 : at);
        setOver(null);
      }}
      style={{ width: "100%" }}
    >
      <span className="connector" />
      {over === at && dragged !== null && <span className="drop-line" />}
      <MenuButton
        label={t.builder.addHere(place)}
        className="add-button"
        groups={groups}
        onChoose={(type) => onAdd(type, at)}
      >
        <span>
          <Plus size={14} aria-hidden />
        </span>
      </MenuButton>
      <span className="connector" />
    </div>
  );
}

interface PanelProps {
  workflowId: string;
  selected: string | null;
  sample: Record<string, unknown> | undefined;
  wrong: Map<string, Map<string, string[]>>;
  mayEdit: boolean;
  onSelect: (card: string | null) => void;
  onMove: (index: number, by: -1 | 1) => void;
  onRemove: (index: number) => void;
  onDuplicate: (index: number) => void;
}

function Panel({ selected, sample, wrong, mayEdit, onSelect, onMove, onRemove, onDuplicate }: PanelProps) {
  const { catalog, draft, problems } = useEditing();
  const document = useDraft((state) => state.document);
  const steps = document.actions ?? [];
  const index = steps.findIndex((step) => step.id === selected);
  const step = steps[index];
  const fields = fieldsOf(catalog, document.trigger?.module);
  const stages = catalog?.modules.find((each) => each.module === document.trigger?.module)?.stages ?? [];
  const variables = useMemo(
    () =>
      variablesAt({
        fields,
        recordWord: `${moduleWord(document.trigger?.module)} as it is at this step`,
        earlier: steps.slice(0, Math.max(0, index)).map((each, at) => ({
          id: each.id ?? "",
          label: `${at + 1} ${stepLabel(each, catalog)}`,
        })),
      }),
    [fields, document.trigger?.module, steps, index, catalog],
  );
  if (selected === "trigger") {
    return (
      <aside className="panel" aria-label={t.builder.when}>
        <PanelHead title={t.builder.when} onClose={() => onSelect(null)} />
        <TriggerSettings mayEdit={mayEdit} wrong={wrong.get("trigger")} />
      </aside>
    );
  }
  if (selected === "conditions") {
    return (
      <aside className="panel" aria-label={t.builder.onlyIf}>
        <PanelHead title={t.builder.onlyIf} onClose={() => onSelect(null)} />
        {[...(wrong.get("conditions")?.values() ?? [])].flat().map((each) => (
          <ProblemLine key={each} text={each} />
        ))}
        <ConditionEditor
          condition={document.conditions ?? null}
          fields={fields}
          catalog={catalog}
          disabled={!mayEdit}
          onChange={(label, condition, mergeKey) =>
            draft.edit(
              label,
              (current) => {
                if (condition) current.conditions = condition;
                else delete current.conditions;
              },
              mergeKey,
            )
          }
        />
      </aside>
    );
  }
  if (step) {
    return (
      <aside className="panel" aria-label={stepLabel(step, catalog)}>
        <PanelHead title={`${index + 1} · ${stepLabel(step, catalog)}`} onClose={() => onSelect(null)}>
          {mayEdit && (
            <>
              <Button
                look="quiet"
                small
                icon
                aria-label={t.builder.up}
                disabled={index === 0}
                onClick={() => onMove(index, -1)}
              >
                <MoveUp size={15} aria-hidden />
              </Button>
              <Button
                look="quiet"
                small
                icon
                aria-label={t.builder.down}
                disabled={index === steps.length - 1}
                onClick={() => onMove(index, 1)}
              >
                <MoveDown size={15} aria-hidden />
              </Button>
              <Button look="quiet" small icon aria-label={t.duplicate} onClick={() => onDuplicate(index)}>
                <Copy size={15} aria-hidden />
              </Button>
              <Button look="quiet" small icon aria-label={t.delete} onClick={() => onRemove(index)}>
                <Trash2 size={15} aria-hidden />
              </Button>
            </>
          )}
        </PanelHead>
        <StepSettings
          step={step}
          kind={catalog?.actions.find((each) => each.type === step.type)}
          catalog={catalog}
          fields={fields}
          stages={stages}
          variables={variables}
          sample={sample}
          disabled={!mayEdit}
          wrong={wrong.get(step.id ?? "") ?? new Map()}
          onChange={(label, change, mergeKey) =>
            draft.edit(
              `change ${label.toLowerCase()} of step ${index + 1}`,
              (current) => {
                const found = current.actions?.find((each) => each.id === step.id);
                if (found) change(found);
              },
              mergeKey,
            )
          }
        />
        <p className="caption">
          {t.builder.actionId}: <span className="mono">{step.id}</span>
        </p>
      </aside>
    );
  }
  const errors = problems.filter((each) => each.severity === "error");
  const advice = problems.filter((each) => each.severity === "warning");
  return (
    <aside className="panel" aria-label={t.builder.description}>
      <div className="field">
        <label htmlFor="description">{t.builder.description}</label>
        <textarea
          id="description"
          className="input"
          placeholder={t.builder.descriptionHint}
          value={document.description ?? ""}
          readOnly={!mayEdit}
          maxLength={2000}
          onChange={(event) => {
            const value = event.target.value;
            draft.edit(t.builder.description, (current) => void (current.description = value), "description");
          }}
        />
      </div>
      {!mayEdit && <p className="muted small">{t.builder.viewerOnly}</p>}
      {errors.length > 0 && (
        <div className="stack">
          <h2>{t.builder.toFix(errors.length)}</h2>
          {errors.map((each) => (
            <button
              key={each.pointer + each.detail}
              type="button"
              className="btn btn-quiet"
              style={{ justifyContent: "start", whiteSpace: "normal", textAlign: "start" }}
              onClick={() => onSelect(cardOfPointer(each.pointer, document))}
            >
              <ProblemLine text={`${placeWords(each.pointer, document, catalog)}: ${each.detail}`} />
            </button>
          ))}
        </div>
      )}
      {advice.map((each) => (
        <ProblemLine
          key={each.pointer + each.detail}
          advice
          text={`${placeWords(each.pointer, document, catalog)}: ${each.detail}`}
        />
      ))}
      {document.conditions && (
        <p className="caption">{conditionWords(document.conditions, fields, catalog?.operators ?? [])}</p>
      )}
    </aside>
  );
}

function placeWords(pointer: string, document: Document, catalog: Catalog | undefined): string {
  const step = stepOfPointer(pointer);
  const action = step ? document.actions?.[step.index] : undefined;
  if (step && action) return `Step ${step.index + 1}, ${stepLabel(action, catalog)}`;
  if (pointer.startsWith("/trigger")) return t.builder.when;
  if (pointer.startsWith("/conditions")) return t.builder.onlyIf;
  if (pointer === "/actions") return t.builder.steps;
  return t.tabs.label;
}

function PanelHead({
  title,
  onClose,
  children,
}: {
  title: string;
  onClose: () => void;
  children?: React.ReactNode;
}) {
  return (
    <div className="panel-head">
      <h2 className="grow cut">{title}</h2>
      {children}
      <Button look="quiet" small icon aria-label={t.close} onClick={onClose}>
        <X size={16} aria-hidden />
      </Button>
    </div>
  );
}
