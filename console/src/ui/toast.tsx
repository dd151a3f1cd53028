import { create } from "zustand";

interface Toast {
  id: number;
  text: string;
  undo?: (() => void) | undefined;
}

const SHOWN_MS = 6_000;
let last = 0;

const useToasts = create<{ toasts: Toast[] }>(() => ({ toasts: [] }));

/** Says in a line what happened; with `undo`, how to take it back. */
export function toast(text: string, undo?: () => void) {
  last += 1;
  const id = last;
  useToasts.setState((state) => ({ toasts: [...state.toasts.slice(-2), { id, text, undo }] }));
  setTimeout(() => dismiss(id), SHOWN_MS);
}

function dismiss(id: number) {
  useToasts.setState((state) => ({ toasts: state.toasts.filter((each) => each.id !== id) }));
}

export function Toasts({ undo }: { undo: string }) {
  const toasts = useToasts((state) => state.toasts);
  return (
    <div className="toasts" role="status" aria-live="polite">
      {toasts.map((each) => (
        <div key={each.id} className="toast">
          <span>{each.text}</span>
          {each.undo && (
            <button
              type="button"
              onClick={() => {
                each.undo?.();
                dismiss(each.id);
              }}
            >
              {undo}
            </button>
          )}
        </div>
      ))}
    </div>
  );
}
