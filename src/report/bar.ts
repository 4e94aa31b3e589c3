import { formatBytes } from './format.js';
import type { Bytes, Detail } from './progress.js';

const cells = 8;

/** Bytes whose total is known, and their share of it, from 0 to 1. */
interface Share {
  of: number;
  total: number;
}

/** What is told of a share, from the most to the least: a line has room for one of them. */
const forms: readonly ((share: Share) => string)[] = [
  ({ of, total }) => `${bar(of)} ${percent(of).padStart(5)} of ${formatBytes(total)}`,
  ({ of, total }) => `${percent(of)} of ${formatBytes(total)}`,
  ({ of }) => percent(of),
];

/** In one line, `31 MB of 98 MB`, as a log and an error have it. */
export function inWords(detail: Detail): string {
  if (typeof detail === 'string') return detail;
  const { done, total } = checked(detail);
  return total === undefined ? formatBytes(done) : `${formatBytes(done)} of ${formatBytes(total)}`;
}

/** `▰▰▰▱▱▱▱▱  46 % of 442 MB`, or as much of it as so many columns have room for. */
export function inColumns(detail: Detail, room: number): string {
  if (typeof detail === 'string') return cut(detail, room);
  const { done, total } = checked(detail);
  if (total === undefined) return cut(formatBytes(done), room);
  const told = forms.map((form) => form({ of: done / total, total }));
  return told.find((text) => text.length <= room) ?? '';
}

/** Text in so many columns; what is cut off is told by `…`. */
export function cut(text: string, room: number): string {
  const letters = Array.from(text);
  if (letters.length <= room) return text;
  return room < 1 ? '' : `${letters.slice(0, room - 1).join('')}…`;
}

/** Whatever an engine says: more than all of it is all of it, and what is no amount is not known. */
function checked({ done: said, total: limit }: Bytes): Bytes {
  const done = isAmount(said) ? said : 0;
  return isAmount(limit) ? { done, total: Math.max(limit, done) } : { done };
}

const isAmount = (value: number | undefined): value is number => Number.isFinite(value) && Number(value) > 0;

/** Full only with the last byte. */
function bar(share: number): string {
  const full = Math.floor(share * cells);
  return '▰'.repeat(full) + '▱'.repeat(cells - full);
}

const percent = (share: number): string => `${String(Math.floor(share * 100))} %`;
