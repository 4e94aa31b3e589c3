import { Help } from 'commander';

import { styleFor } from '../report/index.js';

export const print = (value: unknown): void => {
  console.log(JSON.stringify(value, null, 2));
};

/** Colours, where standard output shows them. */
export const style = styleFor(process.stdout);

/** Of the terminal; what goes to a file, or to another program, is in whole lines, unless COLUMNS says otherwise. */
export const columns = (): number =>
  process.stdout.columns || Number(process.env['COLUMNS']) || Number.POSITIVE_INFINITY;

/** A line of less is broken no more. */
const narrowest = 40;

/** Text in lines as wide as the terminal, at most 100 columns, all of them below where the first one begins. */
export function wrapped(text: string, indent: number): string {
  const width = Math.max(narrowest, Math.min(columns(), 100) - indent - 1);
  if (columns() === Number.POSITIVE_INFINITY) return text.replaceAll('\n', `\n${' '.repeat(indent)}`);
  return new Help().boxWrap(text, width).replaceAll('\n', `\n${' '.repeat(indent)}`);
}
