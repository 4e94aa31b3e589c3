import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** The projects that are measured, by name: their files. */

const off = "module.exports = { preset: 'jest-kubernetes' };\n";

const usesClient = `
import * as k8s from '@kubernetes/client-node';
test('has a client', () => { expect(new k8s.KubeConfig().makeApiClient).toBeDefined(); });
`;

const notesFirst =
  "require('node:fs').writeFileSync('first', String(performance.timeOrigin + performance.now()));";

const queries = `
const { Client } = require('pg');
test('queries', async () => {
  const db = new Client();
  await db.connect();
  await db.query('SELECT 1');
  ${notesFirst}
  await db.end();
});`;

const imports = `
const start = performance.now();
const { apply } = require('jest-kubernetes');
const took = performance.now() - start;
test('uses none of it', () => {
  expect(apply).toBeDefined();
  process.stderr.write('IMPORT ' + took.toFixed(2) + '\\n');
});
`;

export const projects = {
  client: {
    ...Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`file-${index}.test.ts`, usesClient])),
    // every ES module of the dependency tree becomes CommonJS
    'transformed.config.js': `module.exports = {
  testMatch: ['<rootDir>/file-*.test.ts'],
  transformIgnorePatterns: [],
  transform: {
    '[.][cm]?[jt]s$': ['ts-jest', {
      diagnostics: false,
      tsconfig: { allowJs: true, isolatedModules: true, esModuleInterop: true, module: 'commonjs', target: 'es2022' },
    }],
  },
};`,
    'tsconfig.json': '{ "compilerOptions": { "module": "nodenext", "isolatedModules": true } }',
    'modules/package.json': '{ "type": "module" }',
    ...Object.fromEntries(
      Array.from({ length: 8 }, (_, index) => [`modules/file-${index}.test.mjs`, usesClient]),
    ),
    'modules.config.js':
      "module.exports = { rootDir: 'modules', testMatch: ['**/*.test.mjs'], transform: {} };",
    'preset.config.js':
      "module.exports = { preset: 'jest-kubernetes', testMatch: ['<rootDir>/file-*.test.ts'] };",
  },
  imports: {
    'jest.config.js': off,
    ...Object.fromEntries(
      Array.from({ length: 8 }, (_, index) => [
        [`with/file-${index}.test.js`, imports],
        [`without/file-${index}.test.js`, "test('uses none of it', () => { expect(1).toBeDefined(); });"],
      ]).flat(),
    ),
  },
  cold: {
    'jest.config.js': off,
    'first.test.js': `test('starts', () => { ${notesFirst} });`,
  },
  postgres: {
    'jest.config.js': off,
    'jest-kubernetes.config.json': '{ "postgres": true }',
    'first.test.js': queries,
  },
  standby: {
    'jest.config.js': off,
    'jest-kubernetes.config.json': '{ "postgres": true, "cluster": { "standby": true } }',
    'first.test.js': queries,
  },
  join: {
    'jest.config.js': off,
    'some.test.js': "test('passes', () => undefined);",
  },
  databases: {
    'jest.config.js': off,
    'jest-kubernetes.config.json': '{ "postgres": { "initdb": "schema.sql" } }',
    'schema.sql': Array.from(
      { length: 50 },
      (_, index) =>
        `CREATE TABLE table_${index} (id serial PRIMARY KEY, word text UNIQUE);\n` +
        `INSERT INTO table_${index} (word) SELECT 'word ' || n FROM generate_series(1, 20) AS n;\n`,
    ).join(''),
    'measure.test.js': `
const { execFileSync } = require('node:child_process');
const { join } = require('node:path');
const { resetDatabase } = require('jest-kubernetes');
const { Client } = require('pg');
test('resets', async () => {
  const db = new Client();
  await db.connect();
  const reset = [];
  for (let round = 0; round < 10; round += 1) {
    for (let table = 0; table < 50; table += 1) await db.query(\`INSERT INTO table_\${table} (word) VALUES ('more')\`);
    const start = performance.now();
    await resetDatabase();
    reset.push(performance.now() - start);
  }
  await db.end();
  // as a worker makes its own, from a process like it
  const made = JSON.parse(execFileSync(process.execPath, [join(__dirname, 'worker.js')], { encoding: 'utf8' }));
  const line = (what, limit, all) => process.stderr.write(\`BENCH \${what}: limit \${limit}: \${all.map((each) => each.toFixed(1)).join(' ')}\\n\`);
  line('resetDatabase() of 50 tables', 300, reset);
  line('a database for a worker, of 50 tables', 150, made);
}, 120_000);`,
    'worker.js': `
const { dirname, join } = require('node:path');
const { createWorkerDatabase } = require(join(dirname(require.resolve('jest-kubernetes/package.json')), 'dist/postgres/index.js'));
(async () => {
  const postgres = JSON.parse(process.env.JEST_KUBERNETES_POSTGRES);
  const made = [];
  for (let round = 0; round < 10; round += 1) {
    const start = performance.now();
    await createWorkerDatabase(postgres, String(100 + round));
    made.push(performance.now() - start);
  }
  console.log(JSON.stringify(made));
})();`,
  },
  script: {
    'postgres.yaml': JSON.stringify({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'postgres' },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: 'postgres' } },
        template: {
          metadata: { labels: { app: 'postgres' } },
          spec: {
            containers: [
              {
                name: 'postgres',
                image: 'postgres:17-alpine',
                imagePullPolicy: 'IfNotPresent',
                env: [{ name: 'POSTGRES_PASSWORD', value: 'test' }],
                readinessProbe: { tcpSocket: { port: 5432 }, periodSeconds: 1 },
              },
            ],
          },
        },
      },
    }),
  },
};

/** @returns the project's folder, below that one */
export async function writeProject(name, folder) {
  const target = join(folder, name);
  for (const [file, content] of Object.entries(projects[name])) {
    await mkdir(dirname(join(target, file)), { recursive: true });
    await writeFile(join(target, file), content);
  }
  return target;
}
