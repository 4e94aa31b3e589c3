/** A terminal's screen as an SVG, for a dark page and for a light one. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { root } from './natively.mjs';

const cell = { width: 8.4, height: 19, font: 14 };
const padding = 16;

/** What a terminal's colours are, by the numbers of its escape sequences. */
export const themes = {
  dark: {
    ground: '#0d1117',
    border: '#30363d',
    text: '#e6edf3',
    colours: { 31: '#ff7b72', 32: '#3fb950', 33: '#d29922' },
  },
  light: {
    ground: '#ffffff',
    border: '#d0d7de',
    text: '#1f2328',
    colours: { 31: '#cf222e', 32: '#1a7f37', 33: '#9a6700' },
  },
};

const plain = { bold: false, dim: false, inverse: false, colour: undefined, ground: undefined };

/** What a sequence such as `0;1` changes. */
function styled(style, codes) {
  return codes
    .split(';')
    .map(Number)
    .reduce((now, code) => {
      if (code === 0) return plain;
      if (code === 1) return { ...now, bold: true };
      if (code === 2) return { ...now, dim: true };
      if (code === 22) return { ...now, bold: false, dim: false };
      if (code === 7) return { ...now, inverse: true };
      if (code === 27) return { ...now, inverse: false };
      if (code === 39) return { ...now, colour: undefined };
      if (code === 49) return { ...now, ground: undefined };
      if (code in themes.dark.colours) return { ...now, colour: code };
      if (code - 10 in themes.dark.colours) return { ...now, ground: code - 10 };
      throw new Error(`the picture knows no colour ${code}`);
    }, style);
}

/** Each line as pieces of one style; a style goes on in the next line. */
function piecesOf(text) {
  let style = plain;
  return text.split('\n').map((line) => {
    let column = 0;
    // text and codes in turn
    return line.split(/\u001B\[([\d;]*)m/).flatMap((part, index) => {
      if (index % 2 === 1) {
        style = styled(style, part);
        return [];
      }
      const piece = { text: part, column, style };
      column += part.length;
      return part === '' ? [] : [piece];
    });
  });
}

/** With spaces that browsers do not draw together. */
const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll(' ', '\u00A0');

function drawn({ text, column, style }, row, theme) {
  const [x, y] = [padding + column * cell.width, padding + row * cell.height];
  const colour = theme.colours[style.colour] ?? theme.text;
  const width = (text.length * cell.width).toFixed(1);
  const behind = style.inverse ? colour : theme.colours[style.ground];
  const ground =
    behind === undefined
      ? ''
      : `<rect x="${x.toFixed(1)}" y="${y}" width="${width}" height="${cell.height}" fill="${behind}"/>`;
  const attributes = [
    `x="${x.toFixed(1)}" y="${y + cell.font}" textLength="${width}" fill="${style.inverse ? theme.ground : colour}"`,
    ...(style.bold ? ['font-weight="bold"'] : []),
    ...(style.dim ? ['opacity="0.65"'] : []),
  ];
  return `${ground}<text ${attributes.join(' ')}>${escaped(text)}</text>`;
}

/** `docs/pictures/run-dark.svg`, or `-light`. */
export async function picture(name) {
  const theme = themes[name];
  const screen = await readFile(join(root, 'docs/pictures/run.ansi'), 'utf8');
  const lines = piecesOf(`$ npx jest\n\n${screen.trimEnd()}`);
  const columns = Math.max(...lines.flat().map(({ column, text }) => column + text.length));
  const [width, height] = [
    Math.ceil(columns * cell.width) + 2 * padding,
    lines.length * cell.height + 2 * padding,
  ];
  const font = `font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="${cell.font}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="A run of Jest in a terminal">`,
    `<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8" fill="${theme.ground}" stroke="${theme.border}"/>`,
    `<g ${font}>`,
    ...lines.flatMap((pieces, row) => pieces.map((piece) => drawn(piece, row, theme))),
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}
