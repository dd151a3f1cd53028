interface Props<T extends string> {
  label: string;
  value: T;
  choices: { value: T; label: string }[];
  disabled?: boolean;
  onChange: (value: T) => void;
}

/** One of a few, all of them seen. */
export function Segments<T extends string>({ label, value, choices, disabled, onChange }: Props<T>) {
  return (
    <fieldset className="segments" aria-label={label} disabled={disabled}>
      {choices.map((choice) => (
        <button
          key={choice.value}
          type="button"
          aria-pressed={choice.value === value}
          onClick={() => onChange(choice.value)}
        >
          {choice.label}
        </button>
      ))}
    </fieldset>
  );
}
