import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { execa } from 'execa';

import { nodeImageHere } from '../node-image.js';
import { type Installation, installation, type Project } from './support/project.js';

/** A cluster that was there before: each run sets up in a moment. */
const foreign = `e2e-red-${process.pid}`;
const node = `${foreign}-control-plane`;
let installed: Installation;
let kubeconfig: string;
beforeAll(async () => {
  installed = await installation();
  kubeconfig = path.join(installed.folder, 'red.kubeconfig');
  const kind = (
    await execa('node', [path.join(__dirname, 'support/kind-path.mjs'), installed.folder])
  ).stdout.trim();
  await execa('docker', ['pull', '--quiet', 'busybox']);
  await execa(kind, [
    ...['create', 'cluster', '--name', foreign, '--kubeconfig', kubeconfig],
    ...(nodeImageHere === undefined ? [] : ['--image', nodeImageHere]),
  ]);
  await execa(kind, ['load', 'docker-image', 'busybox:latest', '--name', foreign]);
}, 300_000);
afterAll(async () => {
  await execa('docker', ['rm', '-f', '-v', node]);
  await installed.remove();
}, 120_000);

const kubectl = async (...args: string[]): Promise<string[]> => {
  const { stdout } = await execa('kubectl', ['--kubeconfig', kubeconfig, ...args]);
  return stdout.split('\n').filter(Boolean);
};
/** The namespaces that tests have left. */
const namespacesLeft = () =>
  kubectl(
    'get',
    'namespaces',
    '-l',
    'jest-kubernetes/run-id',
    '-o',
    'jsonpath={range .items[?(@.status.phase=="Active")]}{.metadata.name}{"\\n"}{end}',
  );

/** What every file needs to make a pod by the client library alone, and to poll for it. */
const helpers = `
import * as k8s from '@kubernetes/client-node';
import { client, namespace } from 'jest-kubernetes';
export async function create(name: string, container: object): Promise<void> {
  const spec = { terminationGracePeriodSeconds: 0, containers: [{ name, image: 'busybox', imagePullPolicy: 'Never', ...container }] };
  const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec } as k8s.V1Pod;
  await client(k8s.CoreV1Api).createNamespacedPod({ namespace: await namespace(), body });
}
export async function poll(name: string, isSo: (pod: k8s.V1Pod) => unknown): Promise<void> {
  for (let tries = 0; tries < 60; tries += 1) {
    if (isSo(await client(k8s.CoreV1Api).readNamespacedPod({ name, namespace: await namespace() }))) return;
    await new Promise((resolve) => setTimeout(resolve, 100).unref());
  }
}
export const isReady = ({ status }: k8s.V1Pod) => status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
export const deletePods = async () => {
  await client(k8s.CoreV1Api).deleteCollectionNamespacedPod({ namespace: await namespace() });
};
`;
const use = `import { namespace } from 'jest-kubernetes';\nimport { create, deletePods, isReady, poll } from './helpers';\n`;
const missingImage = `
test('the web answers', async () => {
  await create('web', { image: 'shop/web:nope' });
  await poll('web', isReady);
}, 4000);
`;

function project(name: string, files: Record<string, string>, config: object = {}): Project {
  const cluster = { provider: 'existing', kubeconfig, context: `kind-${foreign}` };
  return installed.project(name, {
    'helpers.ts': helpers,
    'jest-kubernetes.config.json': JSON.stringify({ cluster, images: [], ...config }),
    ...files,
  });
}

/** What Jest shows of one failure, up to where it shows the code. */
function failureOf(output: string, name: string): string {
  const [, block = ''] = output.split(`  ● ${name}\n\n`);
  return (block.split(/\n\n +(?:>? *\d+ \||at )/)[0] ?? '').replace(/^ {4}/gm, '');
}
/** The folder of a test's bundle, as its failure names it. */
const bundleOf = ({ folder }: Project, failure: string): string =>
  path.join(folder, /everything that was seen: (\S+)/.exec(failure)?.[1] ?? 'no bundle');
const runFolder = ({ folder }: Project): string => {
  const runs = readdirSync(path.join(folder, '.jest-kubernetes')).filter((each) => each !== '.gitignore');
  expect(runs).toHaveLength(1);
  return path.join(folder, '.jest-kubernetes', runs[0] ?? '');
};
const text = (...parts: string[]): string => readFileSync(path.join(...parts), 'utf8');

const notImported = (bundle: string) =>
  new RegExp(
    [
      'jest-kubernetes: image shop/web:nope is not in the node, and may not be pulled \\(imagePullPolicy: Never\\) \\(IMAGE_IMPORT_FAILED\\)',
      ' {4}\\S.*',
      "(?: {4}\\S.*\\n)* {2}→ Add 'shop/web:nope' to `images`, under exactly this name\\.",
      ` {2}everything that was seen: \\.jest-kubernetes/\\d{8}T\\d{6}Z-[0-9a-f]{8}/${bundle}`,
      ' {2}https://\\S+/docs/errors\\.md#image_import_failed$',
    ].join('\\n'),
  );

describe('a red test tells its cause under its own failure', () => {
  let shop: Project;
  let output: string;
  beforeAll(async () => {
    shop = project('shop', {
      'pods.test.ts': `${use}
afterEach(deletePods);
test('a plain failure', async () => {
  await namespace();
  expect(1 + 1).toBe(3);
});
${missingImage}
test('the api is ready', async () => {
  await create('api', { command: ['sh', '-c', 'echo token=abcdef0123; echo cannot read settings.json; exit 3'] });
  await poll('api', ({ status }) => (status?.containerStatuses?.[0]?.restartCount ?? 0) > 0);
  throw new Error('the api is not ready');
}, 20000);
test('what other tests have left is not its cause', async () => {
  expect(await namespace()).toBe('x');
});
describe('a hook', () => {
  beforeAll(async () => {
    await create('web', { image: 'shop/web:nope' });
    await poll('web', isReady);
  }, 4000);
  test('that times out', () => {});
});
`,
      'green.test.ts': `${use}test('is green', async () => void (await namespace()));`,
    });
    const actions = {
      GITHUB_ACTIONS: 'true',
      GITHUB_WORKSPACE: shop.folder,
      GITHUB_STEP_SUMMARY: path.join(shop.folder, 'summary.md'),
    };
    ({ output } = await shop.start([], actions).ended);
  }, 120_000);

  test('a pod whose image is missing, of which the test sees nothing but its time-out', () => {
    const failure = failureOf(output, 'the web answers');
    expect(failure).toMatch(/^thrown: "Exceeded timeout of 4000 ms for a test\./);
    expect(failure).toMatch(notImported('pods.test.ts/the-web-answers'));
    expect(failure.split('\n').length).toBeLessThan(11);
    const bundle = bundleOf(shop, failure);
    const files = readdirSync(bundle, { recursive: true, encoding: 'utf8' });
    expect(files).toEqual(
      expect.arrayContaining(['summary.txt', 'events.txt', 'pods.txt', 'changes.txt', 'record.json']),
    );
    expect(files.filter((file) => /^objects\/pods-[0-9a-f]+\/pod-web\.yaml$/.test(file))).toHaveLength(1);
    expect(text(bundle, 'summary.txt')).toMatch(/likely cause: image shop\/web:nope is not in the node/);
    expect(text(bundle, 'changes.txt')).toMatch(/Pod \S+\/web: created\n/);
  });

  test('a crash loop, with the log of the life that failed, and no secret', () => {
    const failure = failureOf(output, 'the api is ready');
    expect(failure).toMatch(
      /^the api is not ready\n\njest-kubernetes: pod api ends with exit code 3 each time it is started: cannot read settings\.json \(POD_CRASHED\)\n {4}restarts: \d/,
    );
    const bundle = bundleOf(shop, failure);
    const logs = readdirSync(bundle, { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.log'),
    );
    const all = logs.map((file) => text(bundle, file)).join('');
    expect(all).toMatch(/^\S+Z cannot read settings\.json$/m);
    expect(all).toContain('token=***');
    expect(text(bundle, 'record.json') + text(runFolder(shop), 'index.html')).not.toContain('abcdef0123');
  });

  test.each(['a plain failure', 'what other tests have left is not its cause'])(
    'one that fails for a reason of its own gets nothing but the path: %s',
    (name) => {
      const [own, ...told] = failureOf(output, name).split('\n\njest-kubernetes: ');
      expect(own).toMatch(/^expect\(received\)\.toBe\(expected\)/);
      expect(told).toEqual([expect.stringMatching(/^everything that was seen: \.jest-kubernetes\/\S+$/)]);
      expect(text(bundleOf(shop, told[0] ?? ''), 'summary.txt')).toContain(name);
    },
  );

  test('a hook, under the failure of each test that it takes with it', () => {
    const failure = failureOf(output, 'a hook › that times out');
    expect(failure).toMatch(/^thrown: "Exceeded timeout of 4000 ms for a hook\./);
    expect(failure).toMatch(notImported('pods.test.ts/a-hook-beforeAll'));
  });

  test('GitHub Actions shows the causes at file and line, the phases in the summary, and folds the set-up', () => {
    expect(output).toMatch(
      /^::error file=pods\.test\.ts,line=\d+,title=the api is ready::pod api ends with exit code 3 .*%0A/m,
    );
    expect(output.match(/^::error /gm)).toHaveLength(3);
    const group = new RegExp(
      `^::group::jest-kubernetes: the cluster ${shop.cluster}\n[^]*? ✓ reach the existing cluster[^]*?^::endgroup::\n`,
      'm',
    );
    expect(output).toMatch(group);
    const summary = text(shop.folder, 'summary.md');
    expect(summary).toMatch(
      new RegExp(`^### jest-kubernetes: the cluster ${shop.cluster} was ready after \\d`),
    );
    expect(summary).toMatch(/^\| ✅ \| cluster \| [\d.]+ s \| [\d.]+ s \|/m);
    expect(summary).toContain('❌ **pods.test.ts**: the api is ready\n\n```\npod api ends with exit code 3');
    expect(summary).not.toContain('abcdef0123');
  });

  test('the page of the run has the phases, all tests, the pods, and each failure with its cause', () => {
    expect(output).toMatch(/what failed, on one page: \S+\/index\.html/);
    const page = text(runFolder(shop), 'index.html');
    for (const told of [
      '5 failures',
      'is green',
      'a plain failure',
      'image shop/web:nope is not in the node',
      'exit code 3',
    ])
      expect(page).toContain(told);
    expect(page).not.toMatch(/<(?:script|link|img)\b|https?:\/\/(?!jestjs\.io|github\.com\/jest-kubernetes)/);
  });
});

describe('docs/side-by-side.md', () => {
  const page = text(__dirname, '../../docs/side-by-side.md');
  const blocks = [...page.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].map(([, language, code = '']) => ({
    language,
    code,
    file: /^(?:#|\/\/) (\S+\.\w+)\n/.exec(code)?.[1],
  }));
  /** Ours, and the manifests that both apply; each block begins with its file's name. */
  const files = Object.fromEntries(
    blocks.flatMap(({ file, code }) => (file === undefined ? [] : [[file, code]])),
  );
  const shown = blocks.filter(({ language, code }) => language === 'text' && code.includes('●'));

  test('what is written in ours is green', async () => {
    const { status, output } = await project('side', files).start([]).ended;
    expect(output).toMatch(/^Tests: +2 passed, 2 total$/m);
    expect(status).toBe(0);
  }, 240_000);

  test('and, where something is wrong, prints what the page shows', async () => {
    const wrong = {
      'configmap.yaml': files['configmap.yaml']?.replace('foo: bar', 'foo: baz') ?? '',
      '00-install.yaml': files['00-install.yaml']?.replace('busybox:latest', 'shop/web:nope') ?? '',
    };
    const { output } = await project('side-red', { ...files, ...wrong }).start([]).ended;
    expect(shown).toHaveLength(2);
    for (const { code } of shown) expect(output).toMatch(asShown(code));
  }, 240_000);
});

/** What differs from run to run may be anything: ids, the run's folder, times. */
function asShown(text: string): RegExp {
  const lines = text.trimEnd().replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const open = lines.replace(/\bID\b/g, '[0-9a-f]{10}').replace(/\bRUN\b/g, '[^/\\s]+');
  return new RegExp(
    open.replace(/[\d\\.]+ s\b/g, '[\\d.]+ s').replace(/\\\(\d+ times\\\)/g, '\\(\\d+ times\\)'),
  );
}

const foreignEnvironment = {
  'jest.config.js': "module.exports = { preset: 'jest-kubernetes', testEnvironment: 'node' };\n",
};
const looked = `${use}
describe('a block', () => {
  afterEach(deletePods);
${missingImage}
});
`;

test("in an environment that is not ours, before the test's own clean-up", async () => {
  const shop = project('foreign', { ...foreignEnvironment, 'pods.test.ts': looked });
  const { output } = await shop.start([]).ended;
  expect(failureOf(output, 'a block › the web answers')).toMatch(
    notImported('pods.test.ts/a-block-the-web-answers'),
  );
}, 120_000);

test('it costs nothing when tests are green', async () => {
  const shop = project('green', {
    'jest.config.js':
      "module.exports = { preset: 'jest-kubernetes', testEnvironment: './environment.js' };\n",
    'environment.js': `
module.exports = class extends require('jest-kubernetes/environment') {
  async teardown() {
    const loaded = Object.keys(require.cache).filter((file) => /jest-kubernetes.dist.(diagnose|testing.red-test)/.test(file));
    process.stderr.write('loaded: ' + JSON.stringify(loaded) + '\\n');
    await super.teardown();
  }
};`,
    'green.test.ts': `${use}test('is green', async () => void (await namespace()));`,
    'more.test.ts': `${use}test('is green', async () => void (await namespace()));`,
  });
  // in workers: what the run itself needs is none of the tests'
  const { status, output } = await shop.start(['--maxWorkers=2']).ended;
  expect(output.match(/^loaded: .*/gm)).toEqual(['loaded: []', 'loaded: []']);
  expect(status).toBe(0);
  expect(readdirSync(shop.folder)).not.toContain('.jest-kubernetes');
}, 120_000);

describe('a worker lets go of each test file', () => {
  test('forty that have called the API server leave no sandbox, and no heap, behind', async () => {
    const asks = `
const k8s = require('@kubernetes/client-node');
const { client } = require('jest-kubernetes');
test('asks the API server', async () => {
  await client(k8s.CoreV1Api).listNode();
  await client(k8s.CoreV1Api).listNamespace();
  const own = new k8s.KubeConfig();
  own.loadFromDefault();
  await own.makeApiClient(k8s.VersionApi).getCode();
});
`;
    const names = Array.from({ length: 40 }, (_, index) => `file-${String(index)}.test.js`);
    const shop = project('forty', {
      ...Object.fromEntries(names.map((name) => [name, asks])),
      'jest.config.js':
        "module.exports = { preset: 'jest-kubernetes', testEnvironment: './environment.js' };\n",
      'environment.js': `
const { setFlagsFromString } = require('node:v8');
const { runInNewContext } = require('node:vm');
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');
const sandboxes = [];
module.exports = class extends require('jest-kubernetes/environment') {
  constructor(...given) {
    super(...given);
    sandboxes.push(new WeakRef(this.global));
  }
  async setup() {
    await super.setup();
    await new Promise(setImmediate);
    collectGarbage();
    const kept = sandboxes.flatMap((each, index) => (each.deref() === undefined ? [] : [index]));
    process.stderr.write('kept: ' + JSON.stringify({ kept, heap: process.memoryUsage().heapUsed / 1e6 }) + '\\n');
  }
};`,
    });
    const { status, output } = await shop.start(['--runInBand']).ended;
    expect({ status, output }).toMatchObject({ status: 0 });
    const seen = [...output.matchAll(/^kept: (.*)$/gm)].map(
      ([, json = '']) => JSON.parse(json) as { kept: number[]; heap: number },
    );
    expect(seen).toHaveLength(40);
    // the one that runs, and those before it whose connections are still being closed: seconds, on a busy machine
    const tooLong = seen.map(({ kept }, index) => kept.filter((each) => each < index - 10));
    expect(tooLong.filter(({ length }) => length > 0)).toEqual([]);
    // in MB; where sandboxes stay it is some 120
    expect((seen[39]?.heap ?? Infinity) - (seen[4]?.heap ?? 0)).toBeLessThan(20);
  }, 120_000);

  test.each(['--detectOpenHandles', '--detectLeaks'])(
    'with %s Jest finds nothing of the words',
    async (flag) => {
      const shop = project(`words${flag}`.toLowerCase(), {
        // Node's own fetch keeps a test file in plain Jest too
        'get.js': `
const http = require('node:http');
const { text } = require('node:stream/consumers');
module.exports = (url) =>
  new Promise((resolve, reject) => {
    http.get(url, { agent: false }, (response) => resolve(text(response))).on('error', reject);
  });
`,
        'client.test.js': `
const get = require('./get');
const k8s = require('@kubernetes/client-node');
const { as, can, client, eventually, namespace, proxy } = require('jest-kubernetes');
test('clients', async () => {
  await client(k8s.CoreV1Api).listNamespacedPod({ namespace: await namespace() });
  const jane = as('jane', ['devs', 'team']);
  await expect(jane.client(k8s.CoreV1Api).listNode()).rejects.toMatchObject({ code: 403 });
  expect([await can('list', 'nodes'), await jane.can('list', 'nodes')]).toEqual([true, false]);
  const { url } = await proxy();
  await eventually(async () => expect(JSON.parse(await get(url + '/version')).major).toBe('1'));
});
`,
        'pod.test.js': `
const get = require('./get');
const { apply, cp, events, exec, forward, logs, remove, waitFor } = require('jest-kubernetes');
const script = 'mkdir /srv; echo it answers > /srv/index.html; echo begun; exec httpd -f -p 8080 -h /srv';
const container = { name: 'web', image: 'busybox', imagePullPolicy: 'Never', command: ['sh', '-c', script] };
const spec = { terminationGracePeriodSeconds: 0, containers: [container] };
test('a pod', async () => {
  await apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' }, spec });
  await waitFor('pod/web');
  expect(await exec('pod/web', ['cat'], { stdin: 'a' })).toMatchObject({ stdout: 'a', exitCode: 0 });
  for await (const line of logs('pod/web', { follow: true })) if (line === 'begun') break;
  await cp('pod/web:/srv', './srv');
  expect((await events('pod/web')).length).toBeGreaterThan(0);
  const { url } = await forward('pod/web', 8080);
  expect(await get(url)).toBe('it answers\\n');
  await expect('pod/web').toBeReady();
  await remove('pod/web');
});
`,
      });
      const { status, output } = await shop.start(['--runInBand', flag]).ended;
      expect({ status, output }).toMatchObject({ status: 0 });
      expect(output).not.toMatch(/open handle|did not exit/);
    },
    120_000,
  );
});

test('diagnostics: { tests: false } turns it off', async () => {
  const shop = project('off', { 'pods.test.ts': `${use}${missingImage}` }, { diagnostics: { tests: false } });
  const { status, output } = await shop.start([]).ended;
  expect(status).toBe(1);
  expect(failureOf(output, 'the web answers')).not.toContain('jest-kubernetes');
  expect(readdirSync(shop.folder)).not.toContain('.jest-kubernetes');
}, 120_000);

test('a cluster that is silent holds a red test up for two seconds at most', async () => {
  const shop = project('silent', {
    'silent.test.ts': `${use}
import { execFileSync } from 'node:child_process';
let at = 0;
test('fails', async () => {
  await namespace();
  execFileSync('docker', ['pause', '${node}']);
  at = Date.now();
  throw new Error('ECONNREFUSED');
});
afterEach(() => {
  const took = Date.now() - at;
  execFileSync('docker', ['unpause', '${node}']);
  process.stderr.write('took ' + took + ' ms\\n');
});
`,
  });
  const { output } = await shop.start(['--runInBand']).ended;
  expect(Number(/took (\d+) ms/.exec(output)?.[1])).toBeLessThan(2000);
  expect(failureOf(output, 'fails')).toMatch(
    /jest-kubernetes: the cluster's API server does not answer: .*\(CLUSTER_UNREACHABLE\)/,
  );
}, 120_000);

describe("keep: 'on-failure' of the configuration keeps what the red test has made", () => {
  const keep = { keep: 'on-failure' };
  let kept = 0;
  const red = `${use}test('is red', async () => {\n  await namespace();\n  expect(1).toBe(2);\n});\n`;
  const green = `${use}test('is green', async () => void (await namespace()));\n`;

  test.each<[string, Record<string, string>, string[]]>([
    [
      'with reporters of the user’s own',
      { 'jest.config.js': "module.exports = { preset: 'jest-kubernetes', reporters: ['default'] };\n" },
      [],
    ],
    [
      'in one of several projects',
      {
        'jest.config.js':
          "module.exports = { preset: 'jest-kubernetes', projects: ['<rootDir>/a', '<rootDir>/b'].map((rootDir) => ({ preset: 'jest-kubernetes', rootDir })), reporters: ['default'] };\n",
        'a/helpers.ts': helpers,
        'b/helpers.ts': helpers,
        'a/one.test.ts': red,
        'b/two.test.ts': green,
      },
      [],
    ],
    [
      'with --bail',
      { 'jest.config.js': "module.exports = { preset: 'jest-kubernetes', reporters: ['default'] };\n" },
      ['--bail', '--runInBand'],
    ],
    [
      'in an environment that is not ours',
      {
        'jest.config.js':
          "module.exports = { preset: 'jest-kubernetes', testEnvironment: 'node', reporters: ['default'] };\n",
      },
      [],
    ],
    ['in parallel workers', {}, ['--maxWorkers=2']],
  ])(
    '%s',
    async (way, files, args) => {
      const own = way.includes('projects') ? {} : { 'one.test.ts': red, 'two.test.ts': green };
      const shop = project(`keep-${String((kept += 1))}`, { ...own, ...files }, keep);
      const { status, output } = await shop.start(args).ended;
      expect(status).toBe(1);
      // with --bail Jest ends before its teardown, and the watchdog goes on
      await expectLeft(/^one-/);
      expect(output).toContain('is red');
      expect(readdirSync(runFolder(shop))).toContain('index.html');
      expect((await shop.cli(['down'])).status).toBe(0);
      await expectLeft();
    },
    120_000,
  );
});

/** Waits until the namespaces of tests that are left are these. */
async function expectLeft(...names: RegExp[]): Promise<void> {
  const end = performance.now() + 20_000;
  for (;;) {
    const left = await namespacesLeft();
    const isSo = left.length === names.length && names.every((name, index) => name.test(left[index] ?? ''));
    if (isSo || performance.now() > end) {
      expect(left).toEqual(names.map((name) => expect.stringMatching(name) as string));
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
