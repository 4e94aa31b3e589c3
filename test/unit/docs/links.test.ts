import { existsSync } from 'node:fs';
import path from 'node:path';

import { errorPage } from '../../../src/support/pages.js';
import { anchorsOf, pages, prose, read, root } from './pages.js';

const { repository } = JSON.parse(read('package.json')) as { repository: { url: string } };
const address = repository.url.replace(/^git\+|\.git$/g, '');
const raw = address.replace('github.com', 'raw.githubusercontent.com');

interface Link {
  /** The file that it leads to, from the root; undefined where that is another site's. */
  file: string | undefined;
  anchor: string | undefined;
}

function resolved(link: string, page: string): Link {
  const [place = '', anchor] = link.split('#');
  for (const start of [`${address}/blob/main/`, `${address}/tree/main/`, `${raw}/main/`]) {
    if (place.startsWith(start)) return { file: place.slice(start.length), anchor };
  }
  if (/^[a-z]+:/.test(place)) return { file: undefined, anchor };
  return { file: place === '' ? page : path.join(path.dirname(page), place), anchor };
}

const linksOf = (text: string): string[] =>
  [...text.matchAll(/\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)|(?:src|srcset|href)="([^"]+)"/gm)].map(
    ([, inline, defined, attribute]) => inline ?? defined ?? attribute ?? '',
  );

/** What is wrong with a page's links; each with why. */
function broken(text: string, page: string): string[] {
  return linksOf(text).flatMap((link) => {
    const { file, anchor } = resolved(link, page);
    if (file === undefined) return [];
    if (!existsSync(path.join(root, file))) return [`${link}: no such file`];
    if (anchor === undefined) return [];
    return anchorsOf(file).includes(anchor) ? [] : [`${link}: no such heading`];
  });
}

test.each(pages)('the links of %s lead somewhere', (page) => {
  expect(broken(prose(page), page)).toEqual([]);
});

test('a link that leads nowhere is found', () => {
  const text = `[a](docs/nowhere.md) [b](docs/errors.md#nothing) [c](${address}/blob/main/gone.md) [d](docs/errors.md#stalled)`;
  expect(broken(text, 'README.md')).toEqual([
    'docs/nowhere.md: no such file',
    'docs/errors.md#nothing: no such heading',
    `${address}/blob/main/gone.md: no such file`,
  ]);
});

test('the README, which npm shows, has no link that begins from its folder', () => {
  expect(linksOf(prose('README.md')).filter((link) => !link.startsWith('https://'))).toEqual([]);
});

test('each link of the README that is defined at its end is used, and each that is used is defined', () => {
  const text = prose('README.md');
  const defined = [...text.matchAll(/^\[([^\]]+)\]: /gm)].map(([, key = '']) => key);
  const used = [...text.replace(/^\[[^\]]+\]: .*$/gm, '').matchAll(/\[([^\]]+)\](?:\[([^\]]+)\])?/g)].map(
    ([, label = '', key = label]) => key.toLowerCase(),
  );
  expect([...new Set(used)].sort()).toEqual(defined.map((key) => key.toLowerCase()).sort());
});

test('every page of docs is reached from its contents', () => {
  const reached = linksOf(read('docs/README.md')).map((link) => resolved(link, 'docs/README.md').file);
  const own = pages.filter((page) => page.startsWith('docs/') && page !== 'docs/README.md');
  expect(own.filter((page) => !reached.includes(page))).toEqual([]);
});

test('the address that an error ends with is a heading', () => {
  const [, anchor = ''] = errorPage('POD_CRASHED').split('#');
  expect(anchorsOf('docs/errors.md')).toContain(anchor);
});
