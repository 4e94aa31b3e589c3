import { readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(__dirname, '../../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

test('every code has its words in docs/errors.md, and no other does', () => {
  const [type = ''] = read('src/support/errors.ts').split('export interface');
  const codes = [...type.matchAll(/^ {2}\| '(\w+)'/gm)].map(([, code]) => code);
  const page = read('docs/errors.md');
  const told = [...page.matchAll(/^### (\w+)\n\n\S/gm)].map(([, code]) => code);
  expect(codes.length).toBeGreaterThan(40);
  expect(told.sort()).toEqual(codes.sort());
});
