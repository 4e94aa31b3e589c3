import path from 'node:path';

import { execa } from 'execa';

import { Place } from './command.js';

jest.setTimeout(60_000);

const kept = { reason: 'always', since: '2026-01-01T00:00:00.000Z' };

test('says its version', async () => {
  const { status, stdout } = await new Place().run(['--version']);
  expect({ status, stdout }).toEqual({
    status: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+$/) as string,
  });
});

test.each([
  [['statsu'], "unknown command 'statsu' (did you mean status?)"],
  [['statsu', '--json'], "unknown command 'statsu' (did you mean status?)"],
  [['status', '--jsno'], "unknown option '--jsno' (did you mean --json?)"],
  [['status', 'shop'], "too many arguments for 'status'. Expected 0 arguments but got 1: shop"],
  [['down', 'shop', '--all'], '--all goes without a name'],
])('%j is refused in one sentence', async (args, sentence) => {
  expect(await new Place().run(args)).toEqual({
    status: 2,
    stdout: '',
    stderr: `jest-kubernetes: ${sentence}; see jest-kubernetes --help`,
  });
});

test('without a command it shows its help, as a misuse', async () => {
  const { status, stderr } = await new Place().run([]);
  expect({ status, stderr }).toEqual({
    status: 2,
    stderr: expect.stringContaining('Usage: jest-kubernetes') as string,
  });
});

describe('a configuration that is broken', () => {
  const broken = {
    'a syntax error': { 'jest-kubernetes.config.mjs': 'export default {{' },
    'a value that is not allowed': { 'jest-kubernetes.config.json': { keep: 'sometimes' } },
    'an import of what is not there': {
      'jest-kubernetes.config.mjs': "export { default } from 'a-preset-that-is-not-here';",
    },
    'two in one folder': { 'jest-kubernetes.config.json': '{}', 'jest-kubernetes.config.mjs': '' },
    'a package.json that is not JSON': { 'package.json': '{' },
  };
  test.each(Object.entries(broken))('%s keeps nobody from what needs none', async (_, files) => {
    const place = new Place(files);
    place.cluster('shop', { kept });
    const passedOver = expect.stringMatching(/^passed over: .+/) as string;
    const of = async (...args: string[]) => place.run(args);
    expect(await of('status')).toMatchObject({
      ...{ status: 0, stderr: passedOver },
      stdout: expect.stringContaining('shop  ready, kept (always)') as string,
    });
    expect(await of('env', 'shop')).toMatchObject({
      ...{ status: 0, stderr: passedOver },
      stdout: expect.stringContaining('export JEST_KUBERNETES_CLUSTER=shop') as string,
    });
    expect(await of('prune')).toEqual({ status: 0, stdout: 'Nothing was left behind.', stderr: passedOver });
    // there is no engine in its record: that it is named is what counts
    expect((await of('down', 'shop')).stderr).toContain('the record of shop names no container engine');
    const whichOne = await of('env');
    expect(whichOne).toMatchObject({ status: 1, stdout: '' });
    expect(whichOne.stderr).toMatch(/\(CONFIG_INVALID\)/);
  });

  test('the file that a variable names is not there', async () => {
    const place = new Place();
    place.cluster('shop', { kept });
    const env = { JEST_KUBERNETES_CONFIG: 'nowhere.json' };
    expect(await place.run(['status'], env)).toMatchObject({ status: 0 });
    expect(await place.run(['env'], env)).toMatchObject({ status: 1 });
  });
});

describe('what a shell reads', () => {
  test('is right for a state directory with spaces, apostrophes and dollars in its path', async () => {
    const place = new Place({}, 'Application Support\'; it\'s $HOME `x` "q"');
    place.cluster('shop', { kept });
    const { stdout } = await place.run(['env', 'shop']);
    const script =
      'set -u; eval "$1"; printf "%s|%s|%s" "$KUBECONFIG" "$JEST_KUBERNETES_CLUSTER" "$JEST_KUBERNETES_CONTEXT"';
    const shell = await execa('sh', ['-c', script, 'sh', stdout]);
    expect(shell.stdout).toBe(`${path.join(place.stateDir, 'clusters/shop/kubeconfig')}|shop|kind-shop`);
  });

  test('is without quotes where it needs none', async () => {
    const place = new Place();
    place.cluster('shop', { kept });
    const { stdout } = await place.run(['env', 'shop']);
    expect(stdout).not.toMatch(/['"\\]/);
  });

  test('is JSON where that is asked for', async () => {
    const place = new Place({}, "it's");
    place.cluster('shop', { kept });
    const { stdout } = await place.run(['env', 'shop', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      KUBECONFIG: path.join(place.stateDir, 'clusters/shop/kubeconfig'),
    });
  });
});

test.each([
  ['creating', 'it is being created'],
  ['deleting', 'it is being deleted'],
])('a cluster in the phase %s is not up', async (phase, why) => {
  const place = new Place();
  place.cluster('shop', { phase });
  const { status, stderr } = await place.run(['env', 'shop']);
  expect({ status, stderr }).toMatchObject({ status: 1, stderr: expect.stringContaining(why) as string });
});

test('of a cluster that is set up in an existing one, it says how that is reached', async () => {
  const place = new Place({
    'jest-kubernetes.config.json': {
      cluster: { provider: 'existing', name: 'mine', context: "bob's", kubeconfig: 'k' },
    },
    k: {
      contexts: [{ name: "bob's", context: { cluster: 'c', user: 'u' } }],
      clusters: [{ name: 'c', cluster: { server: 'https://localhost:1' } }],
    },
  });
  const { status, stderr } = await place.run(['env']);
  expect({ status, stderr }).toMatchObject({
    status: 1,
    stderr: expect.stringContaining(String.raw`kubectl --context 'bob'\''s'`) as string,
  });
});
