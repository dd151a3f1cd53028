import {
  Ban,
  CircleCheck,
  CircleDashed,
  CircleHelp,
  CircleX,
  Clock,
  LoaderCircle,
  type LucideIcon,
  RotateCw,
} from "lucide-react";

export type Tone = "success" | "failed" | "quiet" | "running" | "waiting" | "retrying" | "unknown" | "accent";

const LOOKS: Record<string, { tone: Tone; icon: LucideIcon; word: string }> = {
  success: { tone: "success", icon: CircleCheck, word: "Success" },
  failed: { tone: "failed", icon: CircleX, word: "Failed" },
  skipped: { tone: "quiet", icon: CircleDashed, word: "Skipped" },
  canceled: { tone: "quiet", icon: Ban, word: "Canceled" },
  canceling: { tone: "running", icon: LoaderCircle, word: "Canceling" },
  not_reached: { tone: "quiet", icon: CircleDashed, word: "Not reached" },
  not_taken: { tone: "quiet", icon: CircleDashed, word: "Not taken" },
  pending: { tone: "quiet", icon: CircleDashed, word: "Not yet" },
  running: { tone: "running", icon: LoaderCircle, word: "Running" },
  waiting: { tone: "waiting", icon: Clock, word: "Waiting" },
  retrying: { tone: "retrying", icon: RotateCw, word: "Retrying" },
  unknown: { tone: "unknown", icon: CircleHelp, word: "Unknown: did it arrive?" },
};

/** The word of a status, as people read it. */
export function statusWord(status: string): string {
  return LOOKS[status]?.word ?? status;
}

export function statusTone(status: string): Tone {
  return LOOKS[status]?.tone ?? "quiet";
}

/** A status: an icon and a word, never colour alone. */
export function Status({ status, word }: { status: string; word?: string }) {
  const look = LOOKS[status] ?? { tone: "quiet" as Tone, icon: CircleDashed, word: status };
  const turning = look.icon === LoaderCircle;
  return (
    <span className={`chip tone-${look.tone}`}>
      <look.icon size={13} aria-hidden className={turning ? "turning" : ""} />
      {word ?? look.word}
    </span>
  );
}
