/** ISO 8601 durations as people give them: a number and a unit. */

export type Unit = "S" | "M" | "H" | "D" | "W" | "MO" | "Y";

export const UNITS: { unit: Unit; one: string; many: string }[] = [
  { unit: "S", one: "second", many: "seconds" },
  { unit: "M", one: "minute", many: "minutes" },
  { unit: "H", one: "hour", many: "hours" },
  { unit: "D", one: "day", many: "days" },
  { unit: "W", one: "week", many: "weeks" },
  { unit: "MO", one: "month", many: "months" },
  { unit: "Y", one: "year", many: "years" },
];

/** "P2D" as 2 and D; null for a duration of several parts, or none. */
export function parseDuration(text: string): { amount: number; unit: Unit } | null {
  const found = /^P(?:(\d+)([YMWD])|T(\d+(?:\.\d+)?)([HMS]))$/.exec(text.trim());
  if (!found) return null;
  if (found[1] !== undefined) {
    const unit = found[2] === "M" ? "MO" : (found[2] as Unit);
    return { amount: Number(found[1]), unit };
  }
  return { amount: Number(found[3]), unit: found[4] as Unit };
}

export function writeDuration(amount: number, unit: Unit): string {
  if (unit === "S" || unit === "M" || unit === "H") return `PT${amount}${unit}`;
  return `P${amount}${unit === "MO" ? "M" : unit}`;
}

/** "2 days"; the text itself where it has several parts. */
export function durationWords(text: string): string {
  const duration = parseDuration(text);
  if (!duration) return text;
  const words = UNITS.find((each) => each.unit === duration.unit)!;
  return `${duration.amount} ${duration.amount === 1 ? words.one : words.many}`;
}
