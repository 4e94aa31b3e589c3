import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';

import { compileSource } from '../leases/compiled.js';
import { type EngineProxy, engineProxy, refuses } from './engine-proxy.js';
import { docker, forget, type PullingProcess, pullingProcess } from './pulling-process.js';

let engine: EngineProxy;
let source: ReturnType<typeof compileSource>;

beforeAll(async () => {
  engine = await engineProxy('an engine é');
  source = compileSource();
});
afterAll(async () => {
  source.remove();
  await engine[Symbol.asyncDispose]();
});

const unique = (): string => `jest-kubernetes-test-${randomBytes(4).toString('hex')}`;

/** A pull that the engine at that socket refuses, and no other engine does in these words. */
async function refusedBy(puller: PullingProcess, env: Record<string, string>): Promise<string> {
  const name = unique();
  engine.answers(`docker.io/library/${name}`, refuses(404, 'this is the engine with an é'));
  engine.answers(name, refuses(404, 'this is the engine with an é'));
  const { error } = await puller.pull(`${name}:test`, { runtime: { ...docker, env } });
  await forget([`${name}:test`]);
  return (error?.evidence ?? []).join();
}

const links = (): string[] =>
  readdirSync(tmpdir()).filter((name) => name.startsWith('jest-kubernetes-engine-'));

test.each([
  ["the user's shell names", true],
  ['was detected', false],
])(
  'an image is pulled by the engine that %s, at a path with a space and an é',
  async (_, inShell) => {
    const before = links();
    {
      await using puller = pullingProcess(source.folder, inShell ? { DOCKER_HOST: engine.host } : {});
      expect(await refusedBy(puller, { DOCKER_HOST: engine.host })).toContain('this is the engine with an é');
    }
    expect(links()).toEqual(before);
  },
  60_000,
);
