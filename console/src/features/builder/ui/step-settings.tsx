import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { secretsQuery, templatesQuery } from "../../../api/queries";
import type { ActionKind, Catalog, CatalogField } from "../../../api/types";
import { t } from "../../../i18n/en";
import { Segments } from "../../../ui/segments";
import { Json, ProblemLine } from "../../../ui/states";
import type { Step } from "../model/document";
import { durationWords } from "../model/duration";
import type { Variable } from "../model/template";
import {
  choiceOf,
  labelOf,
  localProblem,
  type Parameter,
  parametersOf,
  shapeOf,
  widgetFor,
} from "../model/widgets";
import { DurationInput } from "./duration-input";
import { TemplateField } from "./template-field";
import { ValueInput } from "./value-input";

export interface SettingsProps {
  step: Step;
  kind: ActionKind | undefined;
  catalog: Catalog | undefined;
  fields: CatalogField[];
  stages: string[];
  variables: Variable[];
  sample: Record<string, unknown> | undefined;
  disabled: boolean;
  /** Sentences of what is wrong, by the name of the parameter; "" for the step itself. */
  wrong: Map<string, string[]>;
  onChange: (label: string, change: (step: Step) => void, mergeKey?: string) => void;
}

/** The settings of a step, from the catalog. */
export function StepSettings(props: SettingsProps) {
  const { step, kind, wrong } = props;
  if (!kind) {
    return (
      <div className="stack">
        <p className="muted">{t.builder.unknownAction}</p>
        <Json value={step} label={step.type} />
      </div>
    );
  }
  const choice = choiceOf(step.type);
  const parameters = parametersOf(kind);
  const inChoice = new Set(choice?.options.flatMap((option) => option.parameters) ?? []);
  const plain = parameters.filter((each) => !inChoice.has(each.name));
  const has = (each: Parameter) => step.with?.[each.name] !== undefined;
  return (
    <div className="stack">
      {wrong.get("")?.map((each) => (
        <ProblemLine key={each} text={each} />
      ))}
      {plain
        .filter((each) => !each.advanced || has(each))
        .map((each) => (
          <ParameterField key={each.name} parameter={each} {...props} />
        ))}
      {choice && <ChosenParameters parameters={parameters} {...props} />}
      {plain.some((each) => each.advanced && !has(each)) && (
        <details>
          <summary className="label">{t.builder.moreSettings}</summary>
          <div className="stack" style={{ marginTop: 12 }}>
            {plain
              .filter((each) => each.advanced && !has(each))
              .map((each) => (
                <ParameterField key={each.name} parameter={each} {...props} />
              ))}
          </div>
        </details>
      )}
      <Failing {...props} kind={kind} />
    </div>
  );
}

function ChosenParameters({ parameters, ...props }: SettingsProps & { parameters: Parameter[] }) {
  const choice = choiceOf(props.step.type)!;
  const given = choice.options.find((option) =>
    option.parameters.some((name) => props.step.with?.[name] !== undefined),
  );
  const [chosen, setChosen] = useState(given?.id ?? choice.options[0]!.id);
  const option = choice.options.find((each) => each.id === chosen) ?? choice.options[0]!;
  return (
    <div className="stack">
      <div className="field">
        <span className="label">{choice.label}</span>
        <div>
          <Segments
            label={choice.label}
            value={chosen}
            choices={choice.options.map((each) => ({ value: each.id, label: each.label }))}
            disabled={props.disabled}
            onChange={(id) => {
              setChosen(id);
              const others = choice.options
                .filter((each) => each.id !== id)
                .flatMap((each) => each.parameters);
              props.onChange(choice.label, (step) => {
                for (const name of others) delete step.with?.[name];
              });
            }}
          />
        </div>
      </div>
      {parameters
        .filter((each) => option.parameters.includes(each.name))
        .filter(
          (each) =>
            each.name !== "html" ||
            each.required ||
            props.step.with?.html !== undefined ||
            option.id === "here",
        )
        .map((each) => (
          <ParameterField key={each.name} parameter={each} {...props} />
        ))}
    </div>
  );
}

function ParameterField({ parameter, ...props }: SettingsProps & { parameter: Parameter }) {
  const { name, schema } = parameter;
  const value = props.step.with?.[name];
  const label = labelOf(name, schema);
  const local = localProblem(value, parameter);
  const server = props.wrong.get(name) ?? [];
  const sentences = server.length ? server : local && value !== undefined ? [`${label} ${local}`] : [];
  function put(next: unknown) {
    props.onChange(
      `${label}`,
      (step) => {
        step.with ??= {};
        if (next === undefined) delete step.with[name];
        else step.with[name] = next;
      },
      `${props.step.id} ${name}`,
    );
  }
  return (
    <div className="field">
      <span className="label">
        {label}
        {parameter.required && <span aria-hidden> *</span>}
      </span>
      <ParameterInput
        {...props}
        parameter={parameter}
        label={label}
        value={value}
        invalid={sentences.length > 0}
        put={put}
      />
      {sentences.map((each) => (
        <ProblemLine key={each} text={each} />
      ))}
    </div>
  );
}

interface InputProps extends SettingsProps {
  parameter: Parameter;
  label: string;
  value: unknown;
  invalid: boolean;
  put: (value: unknown) => void;
}

function ParameterInput({ parameter, label, value, invalid, put, ...props }: InputProps) {
  const { step, fields, stages, variables, sample, disabled, catalog } = props;
  const text =
    typeof value === "string" ? value : value === undefined || value === null ? "" : JSON.stringify(value);
  const template = (long: boolean, mono = false) => (
    <TemplateField
      label={label}
      value={text}
      variables={variables}
      sample={sample}
      long={long}
      mono={mono}
      disabled={disabled}
      invalid={invalid}
      onChange={(next) => put(next === "" ? undefined : next)}
    />
  );
  const widget = widgetFor(step.type, parameter.name, parameter.schema);
  switch (widget) {
    case "long_template":
      return template(true);
    case "html":
      return template(true, true);
    case "recipients":
    case "users":
      return <People {...props} label={label} value={value} put={put} usersOnly={widget === "users"} />;
    case "user":
      return (
        <OrTemplate
          label={label}
          text={text}
          disabled={disabled}
          put={put}
          choices={peopleOf(catalog)}
          template={template(false)}
        />
      );
    case "stage":
      return (
        <OrTemplate
          label={label}
          text={text}
          disabled={disabled}
          put={put}
          choices={[
            { value: "next", label: "The next stage" },
            ...stages.map((each) => ({ value: each, label: each })),
          ]}
          template={template(false)}
        />
      );
    case "field":
      return (
        <select
          className="select"
          aria-label={label}
          value={text}
          disabled={disabled}
          aria-invalid={invalid}
          onChange={(event) => put(event.target.value || undefined)}
        >
          <option value="">…</option>
          {text && !fields.some((each) => each.name === text) && <option>{text}</option>}
          {fields.map((each) => (
            <option key={each.name} value={each.name}>
              {each.label}
            </option>
          ))}
        </select>
      );
    case "field_value": {
      const field = fields.find((each) => each.name === step.with?.field);
      const equals = catalog?.operators.find((each) => each.op === "equals");
      const plain = field && equals && field.options.length > 0 && !text.includes("{{");
      return plain ? (
        <ValueInput
          field={field}
          fields={fields}
          operator={{ ...equals, accepts_field: false }}
          users={catalog?.users ?? []}
          stages={stages}
          value={value}
          disabled={disabled}
          onChange={put}
        />
      ) : (
        template(false)
      );
    }
    case "duration":
      return (
        <DurationInput
          label={label}
          value={text}
          disabled={disabled}
          units={["M", "H", "D", "W"]}
          onChange={put}
        />
      );
    case "secret":
      return <SecretSelect label={label} text={text} disabled={disabled} put={put} />;
    case "mail_template":
      return <MailTemplateSelect label={label} text={text} disabled={disabled} put={put} />;
    case "pairs":
      return <Pairs label={label} value={value} disabled={disabled} put={put} />;
    case "json":
      return <JsonInput label={label} value={value} disabled={disabled} put={put} />;
    case "enum":
      return (
        <select
          className="select"
          aria-label={label}
          value={text}
          disabled={disabled}
          onChange={(event) => put(event.target.value || undefined)}
        >
          {!text && <option value="">{String(shapeOf(parameter.schema).default ?? "…")}</option>}
          {(shapeOf(parameter.schema).enum ?? []).map((each) => (
            <option key={String(each)}>{String(each)}</option>
          ))}
        </select>
      );
    case "switch":
      return (
        <input
          type="checkbox"
          aria-label={label}
          checked={value === true}
          disabled={disabled}
          onChange={(event) => put(event.target.checked)}
        />
      );
    case "number":
      return (
        <input
          type="number"
          className="input"
          aria-label={label}
          value={text}
          disabled={disabled}
          onChange={(event) => put(event.target.value === "" ? undefined : Number(event.target.value))}
        />
      );
    default:
      return template(false);
  }
}

const peopleOf = (catalog: Catalog | undefined) => [
  { value: "{{ record.owner }}", label: "The record's owner" },
  ...(catalog?.users ?? []).map((each) => ({ value: each.id, label: each.name })),
];

interface OrTemplateProps {
  label: string;
  text: string;
  disabled: boolean;
  choices: { value: string; label: string }[];
  template: React.ReactNode;
  put: (value: unknown) => void;
}

const OTHER = "\u0000other";

/** One of a list, or a template of one's own. */
function OrTemplate({ label, text, disabled, choices, template, put }: OrTemplateProps) {
  const known = text === "" || choices.some((each) => each.value === text);
  const [own, setOwn] = useState(!known);
  return (
    <div className="stack">
      <select
        className="select"
        aria-label={label}
        value={own ? OTHER : text}
        disabled={disabled}
        onChange={(event) => {
          setOwn(event.target.value === OTHER);
          if (event.target.value !== OTHER) put(event.target.value || undefined);
        }}
      >
        <option value="">…</option>
        {choices.map((each) => (
          <option key={each.value} value={each.value}>
            {each.label}
          </option>
        ))}
        <option value={OTHER}>Something else…</option>
      </select>
      {own && template}
    </div>
  );
}

interface PeopleProps extends SettingsProps {
  label: string;
  value: unknown;
  usersOnly: boolean;
  put: (value: unknown) => void;
}

/** Several recipients: users by name, the record's own address, or any template. */
function People({ label, value, usersOnly, catalog, variables, sample, disabled, put }: PeopleProps) {
  const list = Array.isArray(value) ? (value as string[]) : [];
  const choices = [
    ...(usersOnly ? [] : [{ value: "{{ record.email }}", label: "The record's email" }]),
    ...peopleOf(catalog),
  ].filter((each) => !list.includes(each.value));
  return (
    <div className="stack">
      {list.map((each, index) => (
        <div key={index} className="row nowrap">
          <div className="grow">
            {catalog?.users.some((user) => user.id === each) ? (
              <span className="value-chip">{catalog.users.find((user) => user.id === each)?.name}</span>
            ) : (
              <TemplateField
                label={`${label} ${index + 1}`}
                value={each}
                variables={variables}
                sample={sample}
                disabled={disabled}
                onChange={(next) => put(list.with(index, next))}
              />
            )}
          </div>
          {!disabled && (
            <button
              type="button"
              className="btn btn-quiet btn-small"
              aria-label={`${t.conditions.remove}: ${each}`}
              onClick={() => put(list.toSpliced(index, 1))}
            >
              {t.conditions.remove}
            </button>
          )}
        </div>
      ))}
      {!disabled && (
        <select
          className="select"
          aria-label={`Add: ${label}`}
          value=""
          onChange={(event) => put([...list, event.target.value === OTHER ? "" : event.target.value])}
        >
          <option value="">Add…</option>
          {choices.map((each) => (
            <option key={each.value} value={each.value}>
              {each.label}
            </option>
          ))}
          <option value={OTHER}>Something else…</option>
        </select>
      )}
    </div>
  );
}

interface NamedProps {
  label: string;
  text: string;
  disabled: boolean;
  put: (value: unknown) => void;
}

function SecretSelect({ label, text, disabled, put }: NamedProps) {
  const { data } = useQuery(secretsQuery);
  return (
    <NameSelect
      label={label}
      text={text}
      disabled={disabled}
      put={put}
      names={(data?.items ?? []).map((each) => each.name)}
    />
  );
}

function MailTemplateSelect({ label, text, disabled, put }: NamedProps) {
  const { data } = useQuery(templatesQuery);
  return (
    <NameSelect
      label={label}
      text={text}
      disabled={disabled}
      put={put}
      names={(data?.items ?? []).map((each) => each.name)}
    />
  );
}

function NameSelect({ label, text, disabled, put, names }: NamedProps & { names: string[] }) {
  return (
    <select
      className="select"
      aria-label={label}
      value={text}
      disabled={disabled}
      onChange={(event) => put(event.target.value || undefined)}
    >
      <option value="">{t.none}</option>
      {text && !names.includes(text) && <option value={text}>{text} (not here)</option>}
      {names.map((each) => (
        <option key={each}>{each}</option>
      ))}
    </select>
  );
}

interface ValueProps {
  label: string;
  value: unknown;
  disabled: boolean;
  put: (value: unknown) => void;
}

function Pairs({ label, value, disabled, put }: ValueProps) {
  const pairs = Object.entries((value ?? {}) as Record<string, string>);
  const [name, setName] = useState("");
  const write = (entries: [string, string][]) =>
    put(entries.length ? Object.fromEntries(entries) : undefined);
  return (
    <div className="stack">
      {pairs.map(([key, each], index) => (
        <div key={key} className="row nowrap">
          <span className="mono grow cut">{key}</span>
          <input
            className="input"
            aria-label={`${label}: ${key}`}
            value={each}
            disabled={disabled}
            onChange={(event) => write(pairs.with(index, [key, event.target.value]))}
          />
          <button
            type="button"
            className="btn btn-quiet btn-small"
            disabled={disabled}
            onClick={() => write(pairs.toSpliced(index, 1))}
          >
            {t.conditions.remove}
          </button>
        </div>
      ))}
      <form
        className="row nowrap"
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim()) write([...pairs, [name.trim(), ""]]);
          setName("");
        }}
      >
        <input
          className="input"
          aria-label={`${label}: ${t.settings.name}`}
          placeholder={t.settings.name}
          value={name}
          disabled={disabled}
          onChange={(event) => setName(event.target.value)}
        />
        <button type="submit" className="btn btn-small" disabled={disabled || !name.trim()}>
          Add
        </button>
      </form>
    </div>
  );
}

function JsonInput({ label, value, disabled, put }: ValueProps) {
  const [text, setText] = useState(() => (value === undefined ? "" : JSON.stringify(value, null, 2)));
  const [wrong, setWrong] = useState(false);
  return (
    <>
      <textarea
        className="input mono"
        rows={6}
        aria-label={label}
        aria-invalid={wrong}
        value={text}
        disabled={disabled}
        onChange={(event) => {
          setText(event.target.value);
          if (event.target.value.trim() === "") {
            setWrong(false);
            put(undefined);
            return;
          }
          try {
            put(JSON.parse(event.target.value));
            setWrong(false);
          } catch {
            setWrong(true);
          }
        }}
      />
      {wrong && <ProblemLine text={`${label} is not JSON yet`} />}
    </>
  );
}

function Failing({ step, kind, disabled, onChange }: SettingsProps & { kind: ActionKind }) {
  const attempts = step.retry?.attempts;
  const words = [
    attempts ? `${attempts} attempts` : "the usual attempts",
    step.on_failure === "continue" ? "then go on" : "then end the run",
    step.timeout ? `${durationWords(step.timeout)} each` : `${kind.timeout_seconds} s each`,
  ];
  return (
    <details>
      <summary className="label">
        {t.builder.ifFails}: <span className="muted">{words.join(", ")}</span>
      </summary>
      <div className="stack" style={{ marginTop: 12 }}>
        <div className="field">
          <label htmlFor={`${step.id}-attempts`}>{t.builder.attempts}</label>
          <input
            id={`${step.id}-attempts`}
            type="number"
            min={1}
            max={20}
            className="input"
            value={attempts ?? ""}
            disabled={disabled}
            onChange={(event) =>
              onChange(
                t.builder.attempts,
                (each) => {
                  if (event.target.value === "") delete each.retry;
                  else each.retry = { ...each.retry, attempts: Number(event.target.value) };
                },
                `${step.id} attempts`,
              )
            }
          />
        </div>
        <div className="field">
          <span className="label">{t.builder.timeout}</span>
          <DurationInput
            label={t.builder.timeout}
            value={step.timeout ?? ""}
            units={["S", "M", "H"]}
            disabled={disabled}
            onChange={(value) =>
              onChange(t.builder.timeout, (each) => {
                if (value === undefined) delete each.timeout;
                else each.timeout = value;
              })
            }
          />
        </div>
        <div className="field">
          <span className="label">{t.builder.onFailure}</span>
          <div>
            <Segments
              label={t.builder.onFailure}
              value={step.on_failure ?? "stop"}
              choices={[
                { value: "stop", label: t.builder.stop },
                { value: "continue", label: t.builder.goOn },
              ]}
              disabled={disabled}
              onChange={(value) => onChange(t.builder.onFailure, (each) => void (each.on_failure = value))}
            />
          </div>
        </div>
        <div className="field">
          <span className="label">{t.builder.onUnknown}</span>
          <div>
            <Segments
              label={t.builder.onUnknown}
              value={step.on_unknown ?? "resend"}
              choices={[
                { value: "resend", label: t.builder.resend },
                { value: "hold", label: t.builder.hold },
              ]}
              disabled={disabled}
              onChange={(value) => onChange(t.builder.onUnknown, (each) => void (each.on_unknown = value))}
            />
          </div>
        </div>
      </div>
    </details>
  );
}
