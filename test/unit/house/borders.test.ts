import { readFileSync } from 'node:fs';
import path from 'node:path';

import { execa } from 'execa';

const root = path.resolve(__dirname, '../../..');

jest.setTimeout(60_000);

/** Prints of each file of src and what it imports what ESLint says: in one process, as it is ESLint's start that takes long. */
const lint = `
  import { ESLint } from 'eslint';
  const eslint = new ESLint();
  const results = [];
  for (const [file, specifier] of JSON.parse(process.argv[1])) {
    const text = "export * from '" + specifier + "';\\n";
    results.push((await eslint.lintText(text, { filePath: file })).flatMap(({ messages }) => messages));
  }
  console.log(JSON.stringify(results));`;

/** What the border rule says of files of src, each with what it imports. */
async function complaints(
  ...imports: readonly (readonly [file: string, specifier: string])[]
): Promise<string[][]> {
  const script = ['--input-type=module', '--eval', lint, JSON.stringify(imports)];
  const { stdout } = await execa(process.execPath, script, { cwd: root });
  return (JSON.parse(stdout) as { ruleId: string | null; message: string }[][]).map((messages) =>
    messages
      .filter(({ ruleId }) => ruleId === 'no-restricted-imports')
      .map(({ message }) =>
        message.replace(/^'.*?' import is restricted from being used by a pattern\. /, ''),
      ),
  );
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

const door =
  'A room is entered through its index.ts: import it from there, and export it there if others need it.';
const belongs =
  'src/kubernetes is “what can be done with an API server” and may use config, report, support. What it shares with another belongs into one of those, or is handed in by src/run (docs/architecture.md).';

const borders: [title: string, file: string, specifier: string, said: string[]][] = [
  [
    'a room that looks up to one above it is told where the thing belongs',
    'src/kubernetes/objects.ts',
    '../run/index.js',
    [belongs],
  ],
  ['a room is entered through its door', 'src/run/plan.ts', '../images/pull.js', [door]],
  ['and from a folder within a room too', 'src/run/work/images.ts', '../../images/pull.js', [door]],
  ['the door is open to those above', 'src/run/plan.ts', '../images/index.js', []],
  ['within a room all is open', 'src/run/work/images.ts', '../context.js', []],
  ['support is open to all', 'src/kubernetes/objects.ts', '../support/errors.js', []],
  ['a door of its own that the table names', 'src/jest/environment.ts', '../testing/test-file.js', []],
];

describe('imports', () => {
  let said: string[][];
  beforeAll(async () => {
    said = await complaints(...borders.map(([, file, specifier]) => [file, specifier] as const));
  });

  test.each(borders.map(([title, , , expected], index) => ({ title, expected, index })))(
    '$title',
    ({ expected, index }) => {
      expect(said[index]).toEqual(expected);
    },
  );
});
