import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';

export const root = path.resolve(__dirname, '../../..');
export const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

/** Every page that a reader may come to, by its path from the root. */
export const pages = [
  'README.md',
  ...globSync(
    [
      'docs/*.md',
      'docs/{guide,reference}/*.md',
      'examples/*/README.md',
      '.github/*.md',
      'test/rig/README.md',
    ],
    {
      cwd: root,
    },
  ).sort(),
];

export interface Block {
  /** Page and line, so that a failure can be found. */
  at: string;
  page: string;
  language: string;
  code: string;
}

export const blocks: Block[] = pages.flatMap((page) => {
  const text = read(page);
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map((match) => ({
    at: `${page}:${text.slice(0, match.index).split('\n').length}`,
    page,
    language: match[1] ?? '',
    code: match[2] ?? '',
  }));
});

/** Those of a language, as `test.each` wants them. */
export const written = (...languages: string[]): [string, string, Block][] =>
  blocks.filter(({ language }) => languages.includes(language)).map((block) => [block.at, block.code, block]);

/** A page without its blocks. */
export const prose = (page: string): string => read(page).replace(/^```\w*\n[\s\S]*?^```$/gm, '');

/** The anchors of a page's headings, as GitHub makes them. */
export function anchorsOf(page: string): string[] {
  const seen = new Map<string, number>();
  return [...prose(page).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => {
    const slug = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-');
    const times = seen.get(slug) ?? 0;
    seen.set(slug, times + 1);
    return times === 0 ? slug : `${slug}-${times}`;
  });
}
