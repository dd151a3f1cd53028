import { CircleAlert, TriangleAlert } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { Button } from "./button";

/** What belongs here, and one thing to do. */
export function Empty({
  title,
  children,
  action,
}: {
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className="empty">
      <h2>{title}</h2>
      {children && <div className="muted">{children}</div>}
      {action}
    </div>
  );
}

/** Blocks where the content will be, once it takes long enough to be noticed. */
export function Skeleton({ rows = 4, label }: { rows?: number; label: string }) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 150);
    return () => clearTimeout(timer);
  }, []);
  if (!late) return null;
  return (
    <div className="stack" role="status" aria-label={label}>
      {Array.from({ length: rows }, (_, index) => (
        <div key={index} className="skeleton" />
      ))}
    </div>
  );
}

/** What went wrong, in a sentence, and a way to try again. */
export function Failure({
  sentence,
  again,
  onAgain,
}: {
  sentence: string;
  again: string;
  onAgain?: () => void;
}) {
  return (
    <div className="notice failed" role="alert">
      <CircleAlert size={16} aria-hidden />
      <span className="grow">{sentence}</span>
      {onAgain && (
        <Button small onClick={onAgain}>
          {again}
        </Button>
      )}
    </div>
  );
}

/** One thing that is wrong at a place, or worth a look. */
export function ProblemLine({ text, advice }: { text: string; advice?: boolean }) {
  const Icon = advice ? TriangleAlert : CircleAlert;
  return (
    <div className={advice ? "problem advice" : "problem"}>
      <Icon size={14} aria-hidden />
      <span className="wrap-anywhere">{text}</span>
    </div>
  );
}

export function Json({ value, label }: { value: unknown; label: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keys
    <pre role="region" className="json mono" tabIndex={0} aria-label={label}>
      {JSON.stringify(value, null, 2)}
    </pre>
  );
}
