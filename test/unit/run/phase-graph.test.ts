import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

import { Report, type TimelineEntry } from '../../../src/report/index.js';
import { type Phase, PhaseGraph } from '../../../src/run/phase-graph.js';
import { JestKubernetesError } from '../../../src/support/errors.js';

const report = (): Report => new Report(new PassThrough().resume() as unknown as NodeJS.WriteStream, {});
const never = new AbortController().signal;

function phase(
  name: string,
  after: string[],
  work: Phase['work'],
  limits = { stall: 1000, total: 2000 },
): Phase {
  return { name, title: name, after, limits, work };
}

async function runPhases(
  phases: readonly Phase[],
  {
    milestones,
    ...options
  }: { signal: AbortSignal; timeline?: TimelineEntry[] } & {
    milestones?: Record<string, Promise<unknown>>;
  },
): Promise<void> {
  const graph = new PhaseGraph({ report: report(), ...options });
  graph.start(phases, milestones);
  await graph.settled();
}

const forever = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => {
      reject(signal.reason as Error);
    });
  });

test('a phase starts when those before it have ended, and others run side by side', async () => {
  const seen: string[] = [];
  const gate = Promise.withResolvers<undefined>();
  const saying = (text: string) => () => {
    seen.push(text);
    return Promise.resolve(undefined);
  };
  await runPhases(
    [
      phase('import', ['pull', 'boot'], saying('import')),
      phase('pull', [], async () => {
        seen.push('pull starts');
        await gate.promise;
        seen.push('pull ends');
        return undefined;
      }),
      phase('boot', [], () => {
        gate.resolve(undefined);
        return saying('boot')();
      }),
    ],
    { signal: never },
  );
  expect(seen).toEqual(['pull starts', 'boot', 'pull ends', 'import']);
});

test('the first failure ends what runs, starts nothing more, and is the one that is thrown', async () => {
  const timeline: TimelineEntry[] = [];
  const failure = new JestKubernetesError('IMAGE_NOT_FOUND', 'no such image');
  const later = jest.fn<Promise<undefined>, []>().mockResolvedValue(undefined);
  const run = runPhases(
    [
      phase('create', [], ({ signal }) => forever(signal)),
      phase('pull', [], () => Promise.reject(failure)),
      phase('import', ['pull', 'create'], later),
    ],
    { signal: never, timeline },
  );
  await expect(run).rejects.toBe(failure);
  expect(later).not.toHaveBeenCalled();
  expect(timeline.map((entry) => [entry.phase, entry.outcome])).toEqual([
    ['pull', 'failed'],
    ['create', 'cancelled'],
  ]);
});

test('a milestone that a failure has put out of reach holds up nothing', async () => {
  const later = jest.fn<Promise<undefined>, []>().mockResolvedValue(undefined);
  const run = runPhases(
    [
      phase('create', [], () => Promise.reject(new Error('no kind'))),
      phase('manifests', ['api'], later),
      phase('setup', ['manifests'], later),
    ],
    { signal: never, milestones: { api: new Promise(() => undefined) } },
  );
  await expect(run).rejects.toThrow('no kind');
  expect(later).not.toHaveBeenCalled();
});

test('nothing still works when a failure is thrown', async () => {
  let resting = false;
  const tidy = phase('tidy', [], async ({ signal }) => {
    await forever(signal).catch(() => delay(50));
    resting = true;
    return undefined;
  });
  const bad = phase('bad', [], () => Promise.reject(new Error('bad')));
  await expect(runPhases([tidy, bad], { signal: never })).rejects.toThrow('bad');
  expect(resting).toBe(true);
});

test('a phase that stands still fails by its stall limit and says what it waited for', async () => {
  const stuck = phase(
    'postgres',
    [],
    async ({ signal, progress }) => {
      progress.moved({ done: 31e6, total: 98e6 });
      progress.waitingFor('the pod to be ready');
      return forever(signal);
    },
    { stall: 50, total: 5000 },
  );
  const error = await runPhases([stuck], { signal: never }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    code: 'STALLED',
    evidence: ['it was waiting for the pod to be ready', 'last seen: 31 MB of 98 MB'],
  });
});

test('a phase that moves outlives its stall limit, but not its total', async () => {
  const slow = phase(
    'pull',
    [],
    async ({ signal, progress }) => {
      for (;;) {
        await delay(10, undefined, { signal });
        progress.moved();
      }
    },
    { stall: 60, total: 200 },
  );
  await expect(runPhases([slow], { signal: never })).rejects.toMatchObject({
    code: 'TIMED_OUT',
  });
});

test('an interruption from outside is what is thrown', async () => {
  const outside = new AbortController();
  const run = runPhases([phase('create', [], ({ signal }) => forever(signal))], {
    signal: outside.signal,
  });
  outside.abort(new JestKubernetesError('INTERRUPTED', 'Ctrl-C'));
  await expect(run).rejects.toMatchObject({ code: 'INTERRUPTED' });
});

test('phases can be started later: those that were started before go on', async () => {
  const seen: string[] = [];
  const says = (name: string, after: string[] = []): Phase =>
    phase(name, after, async () => {
      await delay(20);
      seen.push(name);
      return undefined;
    });
  const graph = new PhaseGraph({ signal: never, report: report() });
  graph.start([says('pull')]);
  graph.start([says('pull'), says('import', ['pull'])]);
  await graph.settled();
  expect(seen).toEqual(['pull', 'import']);
});

test('a failure stops what waits for the graph', async () => {
  const graph = new PhaseGraph({ signal: never, report: report() });
  graph.start([phase('pull', [], () => Promise.reject(new Error('no such image')))]);
  await forever(graph.stopped).catch(() => undefined);
  expect(graph.stopped.reason).toEqual(new Error('no such image'));
});
