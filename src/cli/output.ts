import { Help } from 'commander';

import { styleFor } from '../report/index.js';

export const print = (value: unknown): void => {
  console.log(JSON.stringify(value, null, 2));
};

/** Colours, where standard output shows them. */
export const style = styleFor(process.stdout);

/** A line of less is broken no more. */
const narrowest = 40;

/** Text in lines as wide as the terminal, at most 100 columns, all of them below where the first one begins. */
export function wrapped(text: string, indent: number): string {
  const width = Math.max(narrowest, Math.min(process.stdout.columns || 80, 100) - indent - 1);
  return new Help().boxWrap(text, width).replaceAll('\n', `\n${' '.repeat(indent)}`);
}
