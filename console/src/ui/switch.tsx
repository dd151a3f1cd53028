interface Props {
  on: boolean;
  label: string;
  /** What it switches, where the label alone does not say so. */
  of: string;
  disabled?: boolean;
  onChange: (on: boolean) => void;
}

export function Switch({ on, label, of, disabled, onChange }: Props) {
  return (
    <button
      type="button"
      role="switch"
      className="switch"
      aria-checked={on}
      aria-label={`${label}: ${of}`}
      disabled={disabled}
      onClick={(event) => {
        event.preventDefault();
        event.stopPropagation();
        onChange(!on);
      }}
    >
      <span className="track" />
      {label}
    </button>
  );
}
