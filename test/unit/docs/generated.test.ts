import { readFileSync } from 'node:fs';
import path from 'node:path';

import Ajv from 'ajv';
import { execa } from 'execa';

import { loadConfig } from '../../../src/config/index.js';
import { configured, shownOf } from '../config/project.js';

const root = path.resolve(__dirname, '../../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

test('the schema and the pages of the reference are what the code says', async () => {
  const { stderr, exitCode } = await execa(
    process.execPath,
    [path.join(root, 'test/docs/generate.mjs'), '--check'],
    { reject: false },
  );
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
}, 120_000);

describe('schema.json', () => {
  const ajv = new Ajv({ allErrors: true });
  const validate = ajv.compile(JSON.parse(read('schema.json')) as object);
  const problems = (config: unknown): string[] => {
    void validate(config);
    return (validate.errors ?? []).map(({ dataPath, message }) => `${dataPath} ${message ?? ''}`);
  };

  const right = {
    $schema: './node_modules/jest-kubernetes/schema.json',
    cluster: { version: '1.36', nodes: [{}, { taints: ['dedicated=search:NoSchedule'] }] },
    images: ['redis:8-alpine', { build: '.', tag: 'shop/api:test' }],
    postgres: { migrate: 'npm run migrate', hostPort: 0 },
    timeouts: { cluster: { stall: '90s', total: 600_000 } },
    keep: 'on-failure',
  };

  test('takes what the package takes', async () => {
    expect(problems(right)).toEqual([]);
    const files = { Dockerfile: '' };
    const folder = configured(right, files);
    await expect(loadConfig({ rootDir: folder, env: {} })).resolves.toMatchObject({ keep: 'on-failure' });
  });

  test.each([
    { clusters: {} },
    { cluster: { provider: 'minikube' } },
    { images: [{ build: '.' }] },
    { postgres: { hostPort: 70_000 } },
    { timeouts: { cluster: { stall: true } } },
    { keep: 'sometimes' },
  ])('refuses what the package refuses: %j', async (wrong) => {
    expect(problems(wrong)).not.toEqual([]);
    const folder = configured(wrong);
    expect(await shownOf(loadConfig({ rootDir: folder, env: {} }), folder)).toContain('(CONFIG_INVALID)');
  });

  test('has no function, which JSON has neither', () => {
    expect(read('schema.json')).not.toContain('"function"');
    expect(problems({ postgres: { migrate: {} } })).not.toEqual([]);
  });

  test('tells what each key is for', () => {
    const { properties } = JSON.parse(read('schema.json')) as {
      properties: Record<string, { description?: string }>;
    };
    for (const [key, { description }] of Object.entries(properties)) {
      expect({ key, described: (description ?? '').length > 10 }).toEqual({ key, described: true });
    }
  });

  test('a $schema that is no text is refused as any other key', async () => {
    const folder = configured({ $schema: 1 });
    expect(await shownOf(loadConfig({ rootDir: folder, env: {} }), folder)).toContain(
      '$schema: not a known key',
    );
  });

  test('is in the package', () => {
    const { exports, files } = JSON.parse(read('package.json')) as { exports: object; files: string[] };
    expect(exports).toMatchObject({ './schema.json': './schema.json' });
    expect(files).toContain('schema.json');
  });
});
