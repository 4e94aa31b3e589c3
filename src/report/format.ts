import { styleText } from 'node:util';

/** `0.1 s`, `24.3 s`, `2 min 05 s`. */
export function formatSeconds(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
}

const spans = [
  ['d', 24 * 60 * 60],
  ['h', 60 * 60],
  ['min', 60],
  ['s', 1],
] as const;

/** `12 s`, `5 min 3 s`, `3 h`, `2 d 4 h`: no more than two units, as nobody counts a day's seconds. */
export function formatAge(milliseconds: number): string {
  let seconds = Math.round(milliseconds / 1000);
  const parts = spans.map(([unit, length]) => {
    const count = Math.floor(seconds / length);
    seconds -= count * length;
    return { count, unit };
  });
  const found = parts.findIndex(({ count }) => count > 0);
  const first = found === -1 ? parts.length - 1 : found;
  const shown = parts.slice(first, first + 2).filter(({ count }, index) => index === 0 || count > 0);
  return shown.map(({ count, unit }) => `${count} ${unit}`).join(' ');
}

/** Decimal units, as Docker prints them. */
const units = ['B', 'kB', 'MB', 'GB', 'TB'];

function inUnits(bytes: number, digitsOf: (value: number) => number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toFixed(unit === 0 ? 0 : digitsOf(value))} ${units[unit] ?? ''}`;
}

/** `512 B`, `98 MB`, `1.4 GB`. */
export function formatBytes(bytes: number): string {
  return inUnits(bytes, (value) => (value >= 9.95 ? 0 : 1));
}

/** `512 B`, `98.3 MB`, `25.3 GB`: with tenths, where one amount is held against another. */
export function formatBytesInTenths(bytes: number): string {
  return inUnits(bytes, () => 1);
}

type Style = Parameters<typeof styleText>[0];

/** Colours text where the stream shows colours (`NO_COLOR` and `FORCE_COLOR` count). */
export function styleFor(stream: NodeJS.WriteStream): (style: Style, text: string) => string {
  return (style, text) => styleText(style, text, { stream });
}

/** The least that a line's continuation stands in, in columns: as far as what is below a headline. */
const hanging = 3;

/** Text with its lines broken between words where they would be wider; a word that is wider by itself is left whole. */
export function brokenAt(columns: number, text: string): string {
  return text
    .split('\n')
    .map((line) => {
      // what stands in a column of its own is a command, to be copied as it is
      if (line.length <= columns || /\S {2,}\S/.test(line)) return line;
      const [indent = ''] = /^ */.exec(line) ?? [];
      const below = ' '.repeat(Math.max(hanging, indent.length));
      const room = Math.max(1, columns - below.length);
      const parts = line.match(new RegExp(`\\S.{0,${room - 1}}(?=\\s|$)|\\S+`, 'gu')) ?? [];
      return indent + parts.map((part) => part.trimEnd()).join(`\n${below}`);
    })
    .join('\n');
}
