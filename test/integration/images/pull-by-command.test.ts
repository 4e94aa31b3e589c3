import { pullImage, type PullOptions } from '../../../src/images/pull.js';
import { silent } from '../../../src/report/index.js';
import { importIntoNodes, pullToHost } from '../../../src/run/work/images.js';
import { type ScriptedEngine, scriptedEngine } from './scripted-engine.js';

// Podman 4.3 word for word; the real one would take two minutes for the first of these tests
const limited = `time="2026-11-24T01:44:37Z" level=warning msg="Failed, retrying in 1s ... (1/3). Error: initializing source docker://registry.example/app:1: reading manifest 1 in registry.example/app: toomanyrequests: You have reached your unauthenticated pull rate limit."`;
const missing = `Error: initializing source docker://registry.example/app:1: reading manifest 1 in registry.example/app: manifest unknown`;

const options = (engine: ScriptedEngine, given: Partial<PullOptions> = {}): PullOptions => ({
  runtime: engine.runtime,
  mirrors: [],
  signal: new AbortController().signal,
  limits: { stall: 120_000, total: 1_800_000 },
  progress: silent,
  ...given,
});

describe('a podman (a script) pulls by its command', () => {
  test('an image that is there then', async () => {
    using engine = scriptedEngine(
      'podman',
      `case $1 in
        image) [ -e "$FOLDER/pulled" ] && echo "4fb2b11e7402 linux/$(uname -m | sed 's/x86_64/amd64/;s/aarch64/arm64/')" ;;
        pull) echo 'Copying blob sha256:4f'; touch "$FOLDER/pulled" ;;
      esac`,
    );
    const moves: (string | undefined)[] = [];
    const progress = { ...silent, moved: (detail?: string) => moves.push(detail) };
    await expect(pullImage('app:1', options(engine, { progress }))).resolves.toEqual({
      id: '4fb2b11e7402',
      alreadyThere: false,
      from: 'docker.io',
    });
    expect(moves).toEqual(['Copying blob sha256:4f']);
    expect(engine.calls()).toContain('pull docker.io/library/app:1');
  });

  test('and tells of a rate limit at once, where podman itself asks on for two minutes', async () => {
    using engine = scriptedEngine('podman', `[ $1 = pull ] || exit 1; echo '${limited}' >&2; exec sleep 300`);
    await expect(pullImage('registry.example/app:1', options(engine))).rejects.toMatchObject({
      code: 'IMAGE_RATE_LIMITED',
      evidence: [limited],
    });
  });

  test('and tells what it said when it failed', async () => {
    using engine = scriptedEngine('podman', `[ $1 = pull ] && echo '${missing}' >&2; exit 125`);
    await expect(pullImage('registry.example/app:1', options(engine))).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      evidence: [missing],
    });
  });

  test('interrupted, it ends with the reason of its signal', async () => {
    using engine = scriptedEngine('podman', `[ $1 = pull ] || exit 1; echo 'Trying to pull'; exec sleep 300`);
    const interruption = new AbortController();
    const reason = new Error('Ctrl-C');
    const progress = {
      ...silent,
      moved: () => {
        interruption.abort(reason);
      },
    };
    const pulling = pullImage('app:1', options(engine, { progress, signal: interruption.signal }));
    await expect(pulling).rejects.toBe(reason);
  });
});

describe('in a run, an image that', () => {
  const image = { kind: 'pull', reference: 'registry.example/app:1', push: undefined } as const;
  type Arguments = Parameters<typeof importIntoNodes>;
  const runWith = (engine: ScriptedEngine): Arguments[0] =>
    ({
      config: { mirrors: [], timeouts: { pull: { stall: 1000, total: 2000 } } },
      provider: { runtime: () => Promise.resolve(engine.runtime) },
      milestones: { nodes: { promise: Promise.resolve([{ name: 'a-node', role: 'control-plane' }]) } },
    }) as unknown as Arguments[0];
  const step = (): Arguments[2] => ({ signal: new AbortController().signal, progress: silent });
  const refusing = (): ScriptedEngine =>
    scriptedEngine('podman', `[ $1 = pull ] && echo '${missing}' >&2; exit 125`);

  test('nobody asked for is left out where it cannot be had', async () => {
    using engine = refusing();
    const optional = { ...image, isOptional: true } as const;
    expect(await pullToHost(optional)(runWith(engine), step())).toMatch(
      /^left out, as nothing asks for it: registry\.example has no image/,
    );
    expect(await importIntoNodes(runWith(engine), optional, step())).toBe('left out');
  });

  test('somebody asked for fails it', async () => {
    using engine = refusing();
    await expect(pullToHost(image)(runWith(engine), step())).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
    });
  });
});
