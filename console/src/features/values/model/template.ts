/** Liquid texts as pieces to draw: text, outputs (`{{ path | filters }}`), tags. The text itself is never changed. */

export interface TextPiece {
  kind: "text";
  raw: string;
  from: number;
}

export interface OutputPiece {
  kind: "output";
  raw: string;
  from: number;
  /** The dotted path, or null where the output is no plain path (a literal, say). */
  path: string | null;
  filters: string[];
}

export interface TagPiece {
  kind: "tag";
  raw: string;
  from: number;
}

export interface UnclosedPiece {
  kind: "unclosed";
  raw: string;
  from: number;
}

export type Piece = TextPiece | OutputPiece | TagPiece | UnclosedPiece;

/** An output or a tag, with or without white space control. Shared with the editor's decorations. */
export const OUTPUT_OR_TAG = /\{\{-?([\s\S]*?)-?\}\}|\{%-?[\s\S]*?-?%\}/g;
const PATH = /^[A-Za-z_][\w-]*(?:\.[A-Za-z_*][\w-]*|\[(?:\d+|"[^"]*"|'[^']*')\])*$/;

/** The pieces of a template, in order; joined, their `raw` is the template. */
export function pieces(template: string): Piece[] {
  const found: Piece[] = [];
  let end = 0;
  for (const match of template.matchAll(OUTPUT_OR_TAG)) {
    pushText(found, template.slice(end, match.index), end);
    found.push(match[1] === undefined ? { kind: "tag", raw: match[0], from: match.index } : output(match[0], match[1], match.index));
    end = match.index + match[0].length;
  }
  pushText(found, template.slice(end), end);
  return found;
}

function pushText(found: Piece[], raw: string, from: number): void {
  const open = raw.search(/\{\{|\{%/);
  if (open < 0) {
    if (raw !== "") found.push({ kind: "text", raw, from });
    return;
  }
  if (open > 0) found.push({ kind: "text", raw: raw.slice(0, open), from });
  found.push({ kind: "unclosed", raw: raw.slice(open), from: from + open });
}

function output(raw: string, inside: string, from: number): OutputPiece {
  const [first = "", ...filters] = splitOutsideQuotes(inside, "|").map((part) => part.trim());
  return { kind: "output", raw, from, path: PATH.test(first) ? first : null, filters };
}

/** Parts between separators that stand outside quotes. */
export function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = [];
  let part = "";
  let quote = "";
  for (const letter of text) {
    if (quote !== "") {
      if (letter === quote) quote = "";
    } else if (letter === '"' || letter === "'") {
      quote = letter;
    } else if (letter === separator) {
      parts.push(part);
      part = "";
      continue;
    }
    part += letter;
  }
  parts.push(part);
  return parts;
}

/** The output that names a path with filters: `{{ record.name | upcase }}`. */
export function outputText(path: string, filters: readonly string[] = []): string {
  return `{{ ${[path, ...filters].join(" | ")} }}`;
}

/** The outputs' paths of a template. */
export function pathsOf(template: string): string[] {
  return pieces(template).flatMap((piece) => (piece.kind === "output" && piece.path !== null ? [piece.path] : []));
}

/** The steps of a path: `lines[0].sku` is ["lines", 0, "sku"]. */
export function pathSteps(path: string): (string | number)[] {
  const steps: (string | number)[] = [];
  for (const match of path.matchAll(/([^.[\]]+)|\[(\d+)\]|\[["']([^"']*)["']\]/g)) {
    if (match[2] !== undefined) steps.push(Number(match[2]));
    else steps.push(match[3] ?? match[1] ?? "");
  }
  return steps;
}

/** The value a path leads to in a JSON value, undefined where there is none. */
export function valueAt(value: unknown, path: string): unknown {
  let at: unknown = value;
  for (const step of pathSteps(path)) {
    if (at === null || typeof at !== "object") return undefined;
    at = (at as Record<string | number, unknown>)[step];
  }
  return at;
}
