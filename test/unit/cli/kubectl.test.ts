import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { Place } from './command.js';

jest.setTimeout(60_000);

/** A place with a cluster, and a kubectl on PATH that says what it was given, and ends as its last argument says. */
function withKubectl(script = 'printf "%s;" "$KUBECONFIG" "$@"; for last; do :; done; exit "$last"') {
  const place = new Place({ 'jest-kubernetes.config.json': { cluster: { name: 'shop' } } }, "it's mine");
  place.cluster('shop');
  const bin = path.join(place.parent, 'bin');
  mkdirSync(bin);
  writeFileSync(path.join(bin, 'kubectl'), `#!/bin/sh\n${script}\n`);
  chmodSync(path.join(bin, 'kubectl'), 0o755);
  const kubeconfig = path.join(place.stateDir, 'clusters/shop/kubeconfig');
  const run = (...args: string[]) =>
    place.run(['kubectl', ...args], { PATH: `${bin}:${process.env['PATH'] ?? ''}` });
  return { place, kubeconfig, run };
}

test('runs with this cluster’s kubeconfig, what it is given as it is, and its exit status', async () => {
  const { kubeconfig, run } = withKubectl();
  expect(await run('--', 'get', '--json', '-n', "it's", '3')).toEqual({
    ...{ status: 3, stderr: '' },
    stdout: `${kubeconfig};get;--json;-n;it's;3;`,
  });
});

test('needs no dashes before a word', async () => {
  const { kubeconfig, run } = withKubectl();
  expect((await run('get', 'pods', '-A', '0')).stdout).toBe(`${kubeconfig};get;pods;-A;0;`);
});

test('takes another cluster by its name, whatever the configuration', async () => {
  const { place, run } = withKubectl();
  place.cluster('other');
  place.write({ 'jest-kubernetes.config.json': '{' });
  expect((await run('--name', 'other', '--', '0')).stdout).toContain('clusters/other/kubeconfig;0;');
});

test('ends as a shell would where a signal ended it', async () => {
  const { run } = withKubectl('kill -TERM $$');
  expect((await run('--', 'get')).status).toBe(143);
});

test('says what to do where the cluster is not there', async () => {
  const { place } = withKubectl();
  const { status, stderr } = await place.run(['kubectl', '--', 'get'], { JEST_KUBERNETES_NAME: 'nowhere' });
  expect(status).toBe(1);
  expect(stderr).toContain('No cluster nowhere is known (NO_CLUSTER)');
  expect(stderr).toContain('npx jest-kubernetes up');
});

test('an option of no command is refused before kubectl is', async () => {
  const { run } = withKubectl();
  expect(await run('--nmae', 'x')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining("unknown option '--nmae' (did you mean --name?)") as string,
  });
});
