import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { defineConfig } from 'vitepress';

const docs = fileURLToPath(new URL('..', import.meta.url));
const manifest = JSON.parse(readFileSync(path.join(docs, '../package.json'), 'utf8'));
const repository = manifest.repository.url.replace(/^git\+|\.git$/g, '');

/** The groups and pages of docs/README.md. */
function contents() {
  const [, ...groups] = readFileSync(path.join(docs, 'README.md'), 'utf8').split(/^## /m);
  return groups.map((group) => ({
    text: group.split('\n', 1)[0] ?? '',
    items: [...group.matchAll(/^- \[(.+)\]\((.+)\.md\)$/gm)].map(([, title = '', link = '']) => ({
      text: title.replaceAll('`', ''),
      link: `/${link}`,
    })),
  }));
}

/** A link out of docs leads to the repository, as it does on GitHub. */
function leadsOut(link, from) {
  const [place = '', anchor] = link.split('#');
  if (/^[a-z]+:/.test(place) || place === '') return undefined;
  const file = path.resolve(path.dirname(path.join(docs, from)), place);
  if (!path.relative(docs, file).startsWith('..') || !existsSync(file)) return undefined;
  const inRepository = path.relative(path.join(docs, '..'), file);
  return `${repository}/blob/main/${inRepository}${anchor === undefined ? '' : `#${anchor}`}`;
}

export default defineConfig({
  title: manifest.name,
  description: manifest.description,
  base: `/${manifest.name}/`,
  rewrites: { 'README.md': 'index.md' },
  markdown: {
    // as GitHub makes them: links in the pages are written for both
    anchor: {
      slugify: (heading) =>
        heading
          .toLowerCase()
          .replace(/[^\p{L}\p{N}_ -]/gu, '')
          .replaceAll(' ', '-'),
    },
    config(md) {
      const { fence } = md.renderer.rules;
      md.renderer.rules.fence = (tokens, index, options, env, self) =>
        tokens[index].info.trim() === 'mermaid'
          ? `<p><a href="${repository}/blob/main/docs/${env.relativePath}">The picture, as GitHub draws it</a></p>`
          : fence(tokens, index, options, env, self);
      md.core.ruler.push('links-out', ({ tokens, env }) => {
        for (const token of tokens.flatMap(({ children }) => children ?? [])) {
          const target = leadsOut(token.attrGet('href') ?? '', env.relativePath);
          if (target !== undefined) token.attrSet('href', target);
        }
      });
    },
  },
  // the repository's tsconfig.json is not of these pages
  vite: { esbuild: { tsconfigRaw: {} } },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    socialLinks: [{ icon: 'github', link: repository }],
    sidebar: contents(),
  },
});
