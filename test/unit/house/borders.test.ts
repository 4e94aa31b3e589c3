import { readFileSync } from 'node:fs';
import path from 'node:path';

import { execa } from 'execa';

const root = path.resolve(__dirname, '../../..');

jest.setTimeout(60_000);

interface Complaint {
  ruleId: string | null;
  message: string;
}

/** What the border rule says of a file of src that imports this. */
async function complaints(file: string, specifier: string): Promise<string[]> {
  const options = ['--stdin', '--stdin-filename', path.join(root, file), '--format', 'json'];
  const eslint = path.join(root, 'node_modules/eslint/bin/eslint.js');
  const { stdout } = await execa(process.execPath, [eslint, ...options], {
    cwd: root,
    input: `export * from '${specifier}';\n`,
    reject: false,
  });
  const [result] = JSON.parse(stdout) as { messages: Complaint[] }[];
  return (result?.messages ?? [])
    .filter(({ ruleId }) => ruleId === 'no-restricted-imports')
    .map(({ message }) => message.replace(/^'.*?' import is restricted from being used by a pattern\. /, ''));
}

test('the picture of the rooms is drawn from the table', async () => {
  const table = path.join(root, 'test/borders.mjs');
  const script = `console.log(JSON.stringify((await import(${JSON.stringify(table)})).rooms))`;
  const { stdout } = await execa(process.execPath, ['--input-type=module', '--eval', script]);
  const arrows = Object.entries(JSON.parse(stdout) as Record<string, { uses: string[] }>).flatMap(
    ([room, { uses }]) => uses.filter((used) => used !== 'support').map((used) => `${room} --> ${used}`),
  );
  const page = readFileSync(path.join(root, 'docs/architecture.md'), 'utf8');
  const drawn = [...page.matchAll(/^ {2}(\w+ --> \w+)$/gm)].map(([, arrow = '']) => arrow);
  expect(drawn.sort()).toEqual(arrows.sort());
});

test('a room that looks up to one above it is told where the thing belongs', async () => {
  expect(await complaints('src/kubernetes/objects.ts', '../run/index.js')).toEqual([
    'src/kubernetes is “what can be done with an API server” and may use config, report, support. What it shares with another belongs into one of those, or is handed in by src/run (docs/architecture.md).',
  ]);
});

test('a room is entered through its door, from a folder within a room too', async () => {
  const door =
    'A room is entered through its index.ts: import it from there, and export it there if others need it.';
  expect(await complaints('src/run/plan.ts', '../images/pull.js')).toEqual([door]);
  expect(await complaints('src/run/work/images.ts', '../../images/pull.js')).toEqual([door]);
});

test.each([
  ['src/run/plan.ts', '../images/index.js'],
  ['src/run/work/images.ts', '../context.js'],
  ['src/kubernetes/objects.ts', '../support/errors.js'],
  ['src/jest/environment.ts', '../testing/test-file.js'],
])('%s may import %s', async (file, specifier) => {
  expect(await complaints(file, specifier)).toEqual([]);
});
