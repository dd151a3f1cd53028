/** ISO 8601 durations as a number and a unit, and in words. */

export const DURATION_UNITS = ["second", "minute", "hour", "day", "week", "month", "year"] as const;
export type DurationUnit = (typeof DURATION_UNITS)[number];
export interface Duration {
  count: number;
  unit: DurationUnit;
}

const SUFFIX: Record<DurationUnit, string> = {
  second: "TS",
  minute: "TM",
  hour: "TH",
  day: "D",
  week: "W",
  month: "M",
  year: "Y",
};
const UNIT_OF_SUFFIX = Object.fromEntries(
  DURATION_UNITS.map((unit) => [SUFFIX[unit], unit]),
) as Record<string, DurationUnit>;
const SHAPE = /^(-?)P(?!$)((?:\d+(?:\.\d+)?[YMWD])*)(?:T((?:\d+(?:\.\d+)?[HMS])+))?$/;
const PART = /(\d+(?:\.\d+)?)([A-Z])/g;

/** The parts of a duration, greatest first; null if the text is no ISO 8601 duration. */
export function durationParts(text: string): { negative: boolean; parts: Duration[] } | null {
  const found = SHAPE.exec(text);
  if (found === null) return null;
  const parts: Duration[] = [];
  for (const [letters, prefix] of [
    [found[2] ?? "", ""],
    [found[3] ?? "", "T"],
  ] as const) {
    for (const [, count, letter] of letters.matchAll(PART)) {
      const unit = UNIT_OF_SUFFIX[prefix + letter];
      if (unit !== undefined) parts.push({ count: Number(count), unit });
    }
  }
  return { negative: found[1] === "-", parts };
}

/** A duration of one unit, to edit as number and unit; null where it has several parts or is none. */
export function simpleDuration(text: string): Duration | null {
  const parsed = durationParts(text);
  const only = parsed?.parts[0];
  return parsed !== null && only !== undefined && parsed.parts.length === 1 && !parsed.negative ? only : null;
}

/** Number and unit as ISO 8601: 2 days is P2D, 15 minutes is PT15M. */
export function durationText({ count, unit }: Duration): string {
  const suffix = SUFFIX[unit];
  return suffix.startsWith("T") ? `PT${count}${suffix.slice(1)}` : `P${count}${suffix}`;
}

/** As people say it: P1DT2H is "1 day 2 hours". A text that is no duration stays as it is. */
export function durationInWords(text: string): string {
  const parsed = durationParts(text);
  if (parsed === null) return text;
  return parsed.parts.map(({ count, unit }) => `${count} ${unit}${count === 1 ? "" : "s"}`).join(" ");
}

const MS: Record<DurationUnit, number> = {
  second: 1_000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 604_800_000,
  month: 2_592_000_000, // 30 days: only for showing about when, never for when a wait ends
  year: 31_536_000_000,
};

/** About how long, in milliseconds; null if the text is no duration. */
export function durationMs(text: string): number | null {
  const parsed = durationParts(text);
  if (parsed === null) return null;
  const sum = parsed.parts.reduce((total, { count, unit }) => total + count * MS[unit], 0);
  return parsed.negative ? -sum : sum;
}
