import type { CatalogField, Operator, User } from "../../../api/types";
import { t } from "../../../i18n/en";
import { DurationInput } from "./duration-input";

interface Props {
  field: CatalogField | undefined;
  fields: CatalogField[];
  operator: Operator;
  users: User[];
  stages: string[];
  value: unknown;
  disabled: boolean;
  onChange: (value: unknown) => void;
}

const isReference = (value: unknown): value is { field: string } =>
  typeof value === "object" && value !== null && !Array.isArray(value) && "field" in value;

/** The value of a comparison, as its operator takes it and its field has it. */
export function ValueInput(props: Props) {
  const { operator, value, fields, disabled, onChange } = props;
  const refers = isReference(value);
  return (
    <div className="row nowrap">
      <div className="grow">
        {refers ? (
          <select
            className="select"
            aria-label={t.conditions.anotherField}
            value={value.field}
            disabled={disabled}
            onChange={(event) => onChange({ field: event.target.value })}
          >
            {fields.map((each) => (
              <option key={each.name} value={each.name}>
                {each.label}
              </option>
            ))}
          </select>
        ) : (
          <Shaped {...props} />
        )}
      </div>
      {operator.accepts_field && (operator.takes === "one" || operator.takes === "ordered") && (
        <select
          className="select"
          style={{ width: "auto" }}
          aria-label={t.conditions.value}
          value={refers ? "field" : "value"}
          disabled={disabled}
          onChange={(event) =>
            onChange(event.target.value === "field" ? { field: fields[0]?.name ?? "" } : undefined)
          }
        >
          <option value="value">{t.conditions.aValue}</option>
          <option value="field">{t.conditions.anotherField}</option>
        </select>
      )}
    </div>
  );
}

function Shaped(props: Props) {
  const { operator, value, disabled, onChange } = props;
  switch (operator.takes) {
    case "list":
      return (
        <textarea
          className="input"
          aria-label={t.conditions.value}
          placeholder={t.conditions.listHint}
          rows={3}
          disabled={disabled}
          defaultValue={Array.isArray(value) ? value.join("\n") : ""}
          onChange={(event) =>
            onChange(
              event.target.value
                .split("\n")
                .filter(Boolean)
                .map((line) => typed(line, props.field)),
            )
          }
        />
      );
    case "range": {
      const [low, high] = Array.isArray(value) ? value : [undefined, undefined];
      return (
        <div className="row nowrap">
          <One
            {...props}
            value={low}
            label={t.conditions.low}
            onChange={(each) => onChange([each ?? null, high ?? null])}
          />
          <One
            {...props}
            value={high}
            label={t.conditions.high}
            onChange={(each) => onChange([low ?? null, each ?? null])}
          />
        </div>
      );
    }
    case "from_to": {
      const pair = (typeof value === "object" && value !== null ? value : {}) as {
        from?: unknown;
        to?: unknown;
      };
      return (
        <div className="row nowrap">
          <One
            {...props}
            value={pair.from}
            label={t.conditions.low}
            onChange={(from) => onChange({ ...pair, from })}
          />
          <One
            {...props}
            value={pair.to}
            label={t.conditions.high}
            onChange={(to) => onChange({ ...pair, to })}
          />
        </div>
      );
    }
    case "duration":
      return (
        <DurationInput
          label={t.conditions.value}
          value={typeof value === "string" ? value : ""}
          disabled={disabled}
          onChange={onChange}
        />
      );
    default:
      return <One {...props} label={t.conditions.value} />;
  }
}

/** One value of the field's type. */
function One({ field, users, operator, value, label, disabled, onChange }: Props & { label: string }) {
  const shared = { "aria-label": label, disabled };
  const free = operator.takes === "text" || operator.takes === "pattern";
  if (!free && field?.options.length) {
    const known = typeof value === "string" && field.options.includes(value);
    return (
      <select
        className="select"
        {...shared}
        value={String(value ?? "")}
        onChange={(event) => onChange(event.target.value)}
      >
        <option value="">…</option>
        {!known && value !== undefined && value !== "" && (
          <option value={String(value)}>{String(value)} (not in the list)</option>
        )}
        {field.options.map((each) => (
          <option key={each}>{each}</option>
        ))}
      </select>
    );
  }
  if (!free && field?.type === "user") {
    return (
      <select
        className="select"
        {...shared}
        value={String(value ?? "")}
        onChange={(event) => onChange(event.target.value)}
      >
        <option value="">…</option>
        {users.map((each) => (
          <option key={each.id} value={each.id}>
            {each.name}
          </option>
        ))}
      </select>
    );
  }
  if (!free && field?.type === "boolean") {
    return (
      <select
        className="select"
        {...shared}
        value={value === undefined ? "" : String(value)}
        onChange={(event) => onChange(event.target.value === "" ? undefined : event.target.value === "true")}
      >
        <option value="">…</option>
        <option value="true">{t.conditions.true}</option>
        <option value="false">{t.conditions.false}</option>
      </select>
    );
  }
  const number = field?.type === "number" || field?.type === "money";
  const date = field?.type === "date" || (operator.takes === "date" && field?.type !== "datetime");
  const type = free ? "text" : number ? "number" : date ? "date" : "text";
  return (
    <input
      className="input"
      {...shared}
      type={type}
      step="any"
      value={value === undefined || value === null ? "" : String(value)}
      onChange={(event) => {
        const text = event.target.value;
        onChange(text === "" ? undefined : free ? text : typed(text, field));
      }}
    />
  );
}

function typed(text: string, field: CatalogField | undefined): string | number {
  if (field?.type === "number" || field?.type === "money") {
    const number = Number(text);
    return text.trim() !== "" && Number.isFinite(number) ? number : text;
  }
  return text;
}
