import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { parse } from 'yaml';

import { nodeImages } from '../../../src/config/node-images.js';
import { runtimeSchema } from '../../../src/config/schema.js';

const root = path.resolve(__dirname, '../../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

interface Workflow {
  jobs: Record<
    string,
    {
      strategy: {
        matrix: {
          include: { node: number; jest: number; kubernetes: string; runtime: string; run: string }[];
        };
      };
      steps: { uses?: string; run?: string }[];
    }
  >;
}
interface Package {
  engines: { node: string };
  devDependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
  scripts: Record<string, string>;
}

const workflows = readdirSync(path.join(root, '.github/workflows'));
const manifest = JSON.parse(read('package.json')) as Package;
const { jobs } = parse(read('.github/workflows/ci.yml')) as Workflow;
const rows = jobs['test']?.strategy.matrix.include ?? [];
const values = <T>(of: (row: (typeof rows)[number]) => T): T[] => [...new Set(rows.map(of))];
const minors = nodeImages.releases.map(({ version }) => version.replace(/\.\d+$/, ''));

test.each(workflows)('every action of %s is pinned by its commit, with the version beside it', (name) => {
  const text = read(`.github/workflows/${name}`);
  const used = Object.values((parse(text) as Workflow).jobs).flatMap(({ steps }) =>
    steps.flatMap(({ uses }) => uses ?? []),
  );
  const lines = text.split('\n').filter((line) => /\buses:/.test(line));
  expect(used.length).toBeGreaterThan(0);
  expect(lines).toHaveLength(used.length);
  for (const line of lines) {
    expect(line).toMatch(/^ +(?:- )?uses: [\w-]+\/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  }
});

describe('the matrix has', () => {
  test('the oldest Node.js that package.json allows, the one that it pins, and none that is older', () => {
    const oldest = Number(/^>=(\d+)/.exec(manifest.engines.node)?.[1]);
    const nodes = values(({ node }) => node);
    expect(Math.min(...nodes)).toBe(oldest);
    expect(nodes).toContain(Number.parseInt(manifest.devDependencies['node'] ?? '', 10));
    expect(nodes.sort()).toEqual([22, 24, 26]);
  });

  test('every Jest that package.json allows', () => {
    const allowed = manifest.peerDependencies['jest']?.match(/\d+(?=\.0\.0)/g)?.map(Number);
    expect(values(({ jest }) => jest).sort()).toEqual(allowed);
  });

  test('the three newest Kubernetes that the table of node images has, written as strings', () => {
    expect(values(({ kubernetes }) => kubernetes)).toEqual(minors.slice(0, 3));
  });

  test('engines that the package knows', () => {
    const runtimes = values(({ runtime }) => runtime);
    expect(runtimes).toEqual(['docker', 'podman']);
    for (const runtime of runtimes) expect(runtimeSchema.safeParse(runtime).success).toBe(true);
  });

  test('scripts that are there, and all of the tests on each Node.js', () => {
    for (const { run } of rows) {
      const [, script = ''] = /npm (?:run )?([\w:]+)$/.exec(run) ?? [];
      expect(Object.keys(manifest.scripts)).toContain(script);
    }
    const whole = rows.filter(({ run }) => run === 'npm test').map(({ node }) => node);
    expect(whole.sort()).toEqual([22, 24, 26]);
  });
});

test('the guide names the versions of the table, and the kind release that has them', () => {
  const page = read('docs/guide/configuration.md').replaceAll('\n', ' ');
  const last = minors.at(-1) ?? '';
  expect(page).toContain(`${minors.slice(0, -1).join(', ')} and ${last} (kind ${nodeImages.kindRelease})`);
  const [, matrix = ''] = /kubernetes: \[([^\]]*)\]/.exec(read('docs/guide/ci.md')) ?? [];
  expect(matrix).toBe(
    minors
      .slice(0, 3)
      .map((minor) => `'${minor}'`)
      .join(', '),
  );
});
