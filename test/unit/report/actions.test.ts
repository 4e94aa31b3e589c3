import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { addToSummary, annotation, placeIn } from '../../../src/report/actions.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'actions-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('an annotation stands at its file and line, by the path in the repository', () => {
  const place = { file: path.join(folder, 'packages/api/a.test.ts'), line: 7 };
  const env = { GITHUB_WORKSPACE: folder };
  expect(annotation({ title: 'api: starts, and answers', text: '100 % of\nit', place }, env)).toBe(
    '::error file=packages/api/a.test.ts,line=7,title=api%3A starts%2C and answers::100 %25 of%0Ait',
  );
  expect(annotation({ title: 'jest-kubernetes', text: 'x', place: { file: '/elsewhere/a.ts' } }, env)).toBe(
    '::error file=/elsewhere/a.ts,title=jest-kubernetes::x',
  );
});

test('of the files that an error names, the first that is there is its place', () => {
  const manifest = path.join(folder, 'k8s/crd.yaml');
  const config = path.join(folder, 'jest-kubernetes.config.json');
  writeFileSync(config, '{}');
  expect(placeIn(`MANIFEST_INVALID\n    ${manifest}:12:3: no kind\n    (${config}:4)`)).toEqual({
    file: config,
    line: 4,
  });
  expect(placeIn(`${config}: nodes is no number`)).toEqual({ file: config, line: undefined });
  expect(placeIn('the image postgres:17-alpine, of a.json.d, is not there')).toBeUndefined();
});

test('the summary is added to, up to what GitHub takes, and lost where it cannot be written', () => {
  const file = path.join(folder, 'summary.md');
  const env = { GITHUB_STEP_SUMMARY: file };
  addToSummary('one\n', env);
  addToSummary('two\n', env);
  expect(readFileSync(file, 'utf8')).toBe('one\ntwo\n');
  addToSummary('x'.repeat(1024 * 1024 - 7), env);
  expect(readFileSync(file, 'utf8')).toBe('one\ntwo\n');
  addToSummary('one\n', { GITHUB_STEP_SUMMARY: path.join(folder, 'none/summary.md') });
  addToSummary('one\n', {});
});
