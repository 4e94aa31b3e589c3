import path from 'node:path';

import { identifyProcess } from '../../../src/support/process-identity.js';
import { Place } from './command.js';

jest.setTimeout(60_000);

const ago = (seconds: number): string => new Date(Date.now() - seconds * 1000).toISOString();
const holder = (runId: string, since: string) => ({
  ...{ runId, since, cwd: '/shop', command: 'jest --watch', keep: 'never' },
  process: identifyProcess(process.pid),
});

/** One that a run uses, one that is kept, one that nobody wants any more. */
function threeClusters(): Place {
  const place = new Place();
  place.cluster('used', {
    by: holder('1111aaaa', ago(7265)),
    leases: { '1111aaaa': holder('1111aaaa', ago(7265)) },
  });
  const config = { nodes: [{}, {}, {}] };
  place.cluster('kept', {
    ...{ by: holder('2222bbbb', ago(3 * 3600 + 10)), kept: { reason: 'on-failure', since: ago(30) } },
    made: { 'cluster.nodes': [{}], 'cluster.config': config },
  });
  place.cluster('left', { by: null });
  return place;
}

test('tells of each cluster its age, size and context, who uses it, and what keeps it', async () => {
  const { stdout } = await threeClusters().run(['status']);
  expect(stdout.replace(/since \d\d:\d\d:\d\d/, 'since TIME')).toBe(
    [
      'kept  ready, kept (on-failure)',
      '  for 3 h, 3 nodes, context kind-kept',
      "  kept by keep: 'on-failure', until: npx jest-kubernetes down kept",
      'left  ready',
      '  1 node, context kind-left',
      '  nobody uses it: the next run deletes it, or npx jest-kubernetes prune',
      'used  ready',
      '  for 2 h 1 min, 1 node, context kind-used',
      `  used by jest --watch in /shop (pid ${process.pid}), since TIME, run 1111aaaa`,
    ].join('\n'),
  );
});

test('tells the same as JSON', async () => {
  const place = threeClusters();
  const { stdout } = await place.run(['status', '--json']);
  const all = JSON.parse(stdout) as { name: string }[];
  expect(all.find(({ name }) => name === 'used')).toMatchObject({
    ...{ phase: 'ready', context: 'kind-used', nodes: 1, kept: null, keptSince: null, problem: null },
    ageSeconds: expect.closeTo(7265, -2) as number,
    kubeconfig: path.join(place.stateDir, 'clusters/used/kubeconfig'),
    users: [{ runId: '1111aaaa', pid: process.pid, command: 'jest --watch', cwd: '/shop' }],
  });
  expect(all.find(({ name }) => name === 'left')).toMatchObject({ since: null, ageSeconds: null, users: [] });
});

test('says that nothing is there', async () => {
  expect((await new Place().run(['status'])).stdout).toBe('No cluster is there.');
  expect((await new Place().run(['status', '--json'])).stdout).toBe('[]');
});

describe('down --all', () => {
  test('tells of each that stays, leaves none out for the sake of another, and ends with 1', async () => {
    const { status, stderr } = await threeClusters().run(['down', '--all']);
    expect(status).toBe(1);
    expect(stderr).toContain('✗ delete cluster kept');
    expect(stderr).toContain('✗ delete cluster left');
    expect(stderr).toContain('The cluster used is in use (NO_CLUSTER)');
  });

  test('has nothing to do where there is none', async () => {
    expect(await new Place().run(['down', '--all'])).toMatchObject({
      status: 0,
      stdout: 'No cluster is there.',
    });
  });
});

test('colours nothing where nobody sees colours, or nobody wants them', async () => {
  const place = threeClusters();
  const { stdout } = await place.run(['status'], { NO_COLOR: undefined, FORCE_COLOR: undefined });
  expect(stdout).not.toContain('\u001B');
});
