import { useState } from "react";
import { parseDuration, UNITS, type Unit, writeDuration } from "../model/duration";

interface Props {
  label: string;
  value: string;
  disabled?: boolean;
  units?: Unit[];
  onChange: (value: string | undefined) => void;
}

/** A number and a unit; a duration of several parts is shown as it is written. */
export function DurationInput({
  label,
  value,
  disabled,
  units = ["S", "M", "H", "D", "W", "MO"],
  onChange,
}: Props) {
  const parsed = parseDuration(value);
  const [unit, setUnit] = useState<Unit>(parsed?.unit ?? "D");
  if (value && !parsed) {
    return (
      <input
        className="input mono"
        aria-label={label}
        value={value}
        disabled={disabled}
        onChange={(event) => onChange(event.target.value || undefined)}
      />
    );
  }
  const shown = parsed?.unit ?? unit;
  return (
    <div className="row nowrap">
      <input
        type="number"
        min={1}
        className="input"
        aria-label={label}
        value={parsed?.amount ?? ""}
        disabled={disabled}
        onChange={(event) => {
          const amount = Math.round(Number(event.target.value));
          onChange(event.target.value === "" || amount < 0 ? undefined : writeDuration(amount, shown));
        }}
      />
      <select
        className="select"
        aria-label={`${label}: unit`}
        value={shown}
        disabled={disabled}
        onChange={(event) => {
          const chosen = event.target.value as Unit;
          setUnit(chosen);
          if (parsed) onChange(writeDuration(parsed.amount, chosen));
        }}
      >
        {UNITS.filter((each) => units.includes(each.unit)).map((each) => (
          <option key={each.unit} value={each.unit}>
            {parsed?.amount === 1 ? each.one : each.many}
          </option>
        ))}
      </select>
    </div>
  );
}
