/** Attempts of a run on one line of time; long stretches in which nothing happened are folded. */
import type { RunAction } from "../../../api/types";

export interface Bar {
  from: number;
  to: number;
  outcome: string | null;
  number: number;
}

export interface Lane {
  id: string;
  type: string;
  bars: Bar[];
  tookMs: number;
}

export interface Timeline {
  lanes: Lane[];
  /** Stretches that are folded: where they stand (0 to 1), and how long they really are. */
  folds: { at: number; ms: number }[];
}

/** An idle stretch longer than this share of the busy time is folded. */
export const FOLD_SHARE = 0.35;
const FOLDED_SHARE = 0.06;

/** Where each attempt stands, as shares of the whole. `now` ends what is still open. */
export function timelineOf(actions: RunAction[], nowMs: number): Timeline {
  const spans = actions.flatMap((action) =>
    action.attempts.map((attempt) => ({
      from: Date.parse(attempt.started_at),
      to: attempt.finished_at ? Date.parse(attempt.finished_at) : nowMs,
    })),
  );
  if (spans.length === 0) return { lanes: [], folds: [] };
  const place = placer(spans);
  const lanes = actions
    .filter((action) => action.attempts.length > 0)
    .map((action): Lane => {
      const bars = action.attempts.map((attempt): Bar => {
        const to = attempt.finished_at ? Date.parse(attempt.finished_at) : nowMs;
        return {
          from: place.at(Date.parse(attempt.started_at)),
          to: place.at(to),
          outcome: attempt.outcome,
          number: attempt.number,
        };
      });
      const tookMs = action.attempts.reduce(
        (sum, attempt) =>
          sum +
          Math.max(
            0,
            (attempt.finished_at ? Date.parse(attempt.finished_at) : nowMs) - Date.parse(attempt.started_at),
          ),
        0,
      );
      return { id: action.id, type: action.type, bars, tookMs };
    });
  return { lanes, folds: place.folds };
}

function placer(spans: { from: number; to: number }[]) {
  const sorted = spans.toSorted((left, right) => left.from - right.from);
  const busy: { from: number; to: number }[] = [];
  for (const span of sorted) {
    const last = busy.at(-1);
    if (last && span.from <= last.to) last.to = Math.max(last.to, span.to);
    else busy.push({ ...span });
  }
  const busyMs = Math.max(
    1,
    busy.reduce((sum, span) => sum + span.to - span.from, 0),
  );
  const pieces: { from: number; to: number; length: number; fold: boolean }[] = [];
  for (const [index, span] of busy.entries()) {
    pieces.push({ ...span, length: Math.max(span.to - span.from, busyMs * 0.01), fold: false });
    const next = busy[index + 1];
    if (!next) continue;
    const idle = next.from - span.to;
    const fold = idle > busyMs * FOLD_SHARE;
    pieces.push({ from: span.to, to: next.from, length: fold ? busyMs * FOLDED_SHARE : idle, fold });
  }
  const whole = pieces.reduce((sum, piece) => sum + piece.length, 0) || 1;
  const folds: { at: number; ms: number }[] = [];
  let before = 0;
  const placed = pieces.map((piece) => {
    const start = before / whole;
    before += piece.length;
    if (piece.fold) folds.push({ at: (start + before / whole) / 2, ms: piece.to - piece.from });
    return { ...piece, start, end: before / whole };
  });
  function at(time: number): number {
    const piece = placed.find((each) => time <= each.to) ?? placed.at(-1)!;
    const share = piece.to === piece.from ? 0 : (time - piece.from) / (piece.to - piece.from);
    return piece.start + Math.min(1, Math.max(0, share)) * (piece.end - piece.start);
  }
  return { at, folds };
}
