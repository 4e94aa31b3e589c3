import { masker } from '../../support/mask.js';
import { bundleLine, errorPage } from '../../support/pages.js';
import type { Diagnosis } from '../causes.js';

/** How many lines of evidence are told, and how much of each. */
const told = { lines: 3, characters: 240 };

const cut = (line: string): string =>
  line.length > told.characters ? `${line.slice(0, told.characters)}…` : line;

/** Lines of evidence, one each: an event repeats what a container's state says. */
export const telling = (evidence: readonly string[]): string[] =>
  evidence
    .map((line) => line.trim().replace(/\s*\n\s*/g, ' '))
    .filter((line, index, all) => !all.slice(0, index).some((before) => line.includes(before.slice(0, 80))));

/** A cause as it stands under a test's own failure: short, the rest is in the bundle. */
export function formatCause({ sentence, code, evidence, remedy }: Diagnosis, path: string): string {
  const lines = telling(evidence).slice(0, told.lines);
  return masker()(
    [
      `${cut(sentence)} (${code})`,
      ...lines.map((line) => `    ${cut(line)}`),
      `  → ${remedy}`,
      `  ${bundleLine(path)}`,
      `  ${errorPage(code)}`,
    ].join('\n'),
  );
}
