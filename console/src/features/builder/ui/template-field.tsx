import { Braces } from "lucide-react";
import { useId, useRef, useState } from "react";
import { t } from "../../../i18n/en";
import { Button } from "../../../ui/button";
import { chipLabel, isUnclosed, partsOf, type Variable } from "../model/template";

interface Props {
  label: string;
  value: string;
  variables: Variable[];
  /** The record that the workflow is tested with: its values stand in the picker. */
  sample?: Record<string, unknown> | undefined;
  long?: boolean;
  mono?: boolean;
  disabled?: boolean;
  invalid?: boolean;
  onChange: (value: string) => void;
}

/** A template: chips at rest, the Liquid text while it is written. The text is never converted. */
export function TemplateField({
  label,
  value,
  variables,
  sample,
  long,
  mono,
  disabled,
  invalid,
  onChange,
}: Props) {
  const [writing, setWriting] = useState(false);
  const [picking, setPicking] = useState(false);
  const field = useRef<HTMLTextAreaElement & HTMLInputElement>(null);
  const id = useId();
  const wrong = Boolean(invalid) || isUnclosed(value);

  function insert(path: string) {
    const input = field.current;
    const start = input?.selectionStart ?? value.length;
    const end = input?.selectionEnd ?? value.length;
    const before = value.slice(0, start).replace(/\{\{\s*$/, "");
    const mark = `{{ ${path} }}`;
    onChange(before + mark + value.slice(end));
    setPicking(false);
    requestAnimationFrame(() => {
      input?.focus();
      input?.setSelectionRange(before.length + mark.length, before.length + mark.length);
    });
  }

  if (!writing && !picking) {
    return (
      <button
        type="button"
        className={long ? "template-rest long" : "template-rest"}
        aria-invalid={wrong}
        disabled={disabled}
        onFocus={() => setWriting(true)}
        onClick={() => setWriting(true)}
      >
        <span className="template-text">
          <span className="visually-hidden">{`${label}: `}</span>
          {partsOf(value).map((part, index) =>
            part.kind === "text" ? (
              <span key={index}>{part.text}</span>
            ) : part.kind === "value" ? (
              <span
                key={index}
                className={isKnown(part.path, variables) ? "value-chip" : "value-chip strange"}
                title={part.raw}
              >
                {chipLabel(part.path, variables)}
                {part.filters && <span className="muted"> {part.filters}</span>}
              </span>
            ) : (
              <span key={index} className="mono muted">
                {part.raw}
              </span>
            ),
          )}
          {!value && <span className="muted"> </span>}
        </span>
      </button>
    );
  }
  const shared = {
    ref: field,
    id,
    className: mono ? "input mono" : "input",
    "aria-label": label,
    "aria-invalid": wrong,
    autoFocus: true,
    disabled,
    value,
    onBlur: (event: React.FocusEvent) => {
      if (!event.currentTarget.closest(".template-field")?.contains(event.relatedTarget)) setWriting(false);
    },
    onChange: (event: React.ChangeEvent<HTMLTextAreaElement & HTMLInputElement>) => {
      const text = event.target.value;
      onChange(text);
      if (text.slice(0, event.target.selectionStart ?? 0).endsWith("{{")) setPicking(true);
    },
    onKeyDown: (event: React.KeyboardEvent) => {
      if (event.key === " " && event.ctrlKey) {
        event.preventDefault();
        setPicking(true);
      }
    },
  };
  return (
    <div className="template-field stack">
      <div style={{ position: "relative" }}>
        {long ? <textarea {...shared} rows={6} /> : <input {...shared} />}
        <span className="insert">
          <Button
            look="quiet"
            small
            icon
            aria-label={`${t.builder.insert}: ${label}`}
            aria-expanded={picking}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => setPicking(!picking)}
          >
            <Braces size={15} aria-hidden />
          </Button>
        </span>
      </div>
      {picking && (
        <Picker variables={variables} sample={sample} onPick={insert} onClose={() => setPicking(false)} />
      )}
    </div>
  );
}

function isKnown(path: string, variables: Variable[]): boolean {
  const root = path.split(/[.[]/)[0] ?? "";
  if (variables.some((each) => path === each.path || path.startsWith(`${each.path}.`))) return true;
  return !["record", "previous", "owner", "event", "workflow", "run", "actions"].includes(root)
    ? false
    : root !== "record";
}

interface PickerProps {
  variables: Variable[];
  sample: Record<string, unknown> | undefined;
  onPick: (path: string) => void;
  onClose: () => void;
}

function Picker({ variables, sample, onPick, onClose }: PickerProps) {
  const [text, setText] = useState("");
  const wanted = text.trim().toLowerCase();
  const found = variables.filter((each) => `${each.label} ${each.path}`.toLowerCase().includes(wanted));
  const groups = [...new Set(found.map((each) => each.group))];
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes it from any of its parts
    <div
      role="presentation"
      className="picker"
      onKeyDown={(event) => {
        if (event.key === "Escape") {
          event.stopPropagation();
          onClose();
        }
      }}
    >
      <input
        className="input"
        aria-label={t.search}
        placeholder={t.search}
        // biome-ignore lint/a11y/noAutofocus: opened to search
        autoFocus
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && found[0]) {
            event.preventDefault();
            onPick(found[0].path);
          }
        }}
      />
      {groups.map((group) => (
        <div key={group}>
          <h4>{group}</h4>
          {found
            .filter((each) => each.group === group)
            .map((each) => (
              <button key={each.path} type="button" onClick={() => onPick(each.path)}>
                <span>{each.label}</span>
                <span className="muted cut">{sampleOf(each.path, sample) ?? each.path}</span>
              </button>
            ))}
        </div>
      ))}
    </div>
  );
}

function sampleOf(path: string, sample: Record<string, unknown> | undefined): string | undefined {
  const [root, name] = path.split(".");
  const value = root === "record" && name ? sample?.[name] : undefined;
  return value === undefined || value === null || typeof value === "object" ? undefined : String(value);
}
