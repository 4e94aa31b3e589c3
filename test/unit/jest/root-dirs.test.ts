import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { rootDirsOf } from '../../../src/jest/root-dirs.js';

let folder: string;
beforeAll(() => {
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'root-dirs-')));
  const files = {
    'api/jest.config.js': "module.exports = { displayName: 'api' };",
    'web/jest.config.js': "module.exports = { displayName: { name: 'web', color: 'blue' } };",
    // as Nx lays it out
    'config/nx/jest.config.js': "module.exports = { displayName: 'nx', rootDir: '../../apps/nx' };",
    'typed/jest.config.ts': "export default { displayName: 'typed' };",
    'broken/jest.config.js': "throw new Error('broken');",
    'apps/nx/package.json': '{}',
  };
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), content);
  }
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const rootDirs = async (projects: unknown[], argv: string[] = []): Promise<string[]> => {
  const given = projects.map((each) => (typeof each === 'string' ? path.join(folder, each) : each));
  const found = await rootDirsOf({ projects: given } as never, { rootDir: `${folder}/alone` } as never, argv);
  return found.map((each) => path.relative(folder, each));
};

test.each([[[]], [['api']]])('of %j there is the one that Jest tells of', async (projects) => {
  expect(await rootDirs(projects)).toEqual(['alone']);
});

test('projects are folders, files of configuration, and options', async () => {
  const inline = { rootDir: path.join(folder, 'inline') };
  const projects = ['api', 'config/nx/jest.config.js', 'typed/jest.config.ts', inline];
  expect(await rootDirs(projects)).toEqual(['api', 'apps/nx', 'typed', 'inline']);
});

test('one that cannot be read is where its file is', async () => {
  expect(await rootDirs(['api', 'broken/jest.config.js'])).toEqual(['api', 'broken']);
});

describe('those that are not selected do not count', () => {
  const projects = ['api', 'web', 'config/nx/jest.config.js'];
  test.each([
    [
      ['--selectProjects', 'api', 'nx'],
      ['api', 'apps/nx'],
    ],
    [['--selectProjects=web'], ['web']],
    [
      ['some.test.js', '--ignoreProjects', 'api', '--runInBand'],
      ['web', 'apps/nx'],
    ],
    [['--select-projects', 'api', 'web', '--ignore-projects', 'web'], ['api']],
    [['--runInBand'], ['api', 'web', 'apps/nx']],
    // no line of Jest's own
    [['--selectProjects'], ['api', 'web', 'apps/nx']],
  ])('%j', async (argv, expected) => {
    expect(await rootDirs(projects, argv)).toEqual(expected);
  });
});
