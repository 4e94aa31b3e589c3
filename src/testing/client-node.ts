import { createRequire } from 'node:module';
import { dirname } from 'node:path';

import type * as ClientNode from '@kubernetes/client-node';

import { JestKubernetesError } from '../support/errors.js';
import { keepingConnections } from './kept-connections.js';
import { currentTestFile } from './test-file.js';

const packageName = '@kubernetes/client-node';

/**
 * The path of the copy that a module at one of these places would import, the first place that has one.
 * In a monorepo packages may have different versions, so the importing module's own comes first, ours last.
 */
function resolveFrom(places: readonly (string | undefined)[]): string | undefined {
  for (const place of places) {
    if (place === undefined) continue;
    try {
      return createRequire(place).resolve(packageName);
    } catch {
      // not installed there: the next place
    }
  }
  return undefined;
}

const exposed = new WeakMap<typeof ClientNode, typeof ClientNode>();

/**
 * `@kubernetes/client-node` as a module of the user's has it, loaded natively: once per process, with a `KubeConfig` that
 * keeps its connections.
 *
 * @param importer - absolute path of the importing module; default: the test file
 * @throws JestKubernetesError CLIENT_MISSING
 */
export function clientNode(importer?: string): typeof ClientNode {
  const places = [importer, currentTestFile()?.path, `${process.cwd()}/`, __filename];
  const path = resolveFrom(places);
  if (path === undefined) {
    const seen = [...new Set(places.filter((place) => place !== undefined).map((place) => dirname(place)))];
    throw new JestKubernetesError('CLIENT_MISSING', `Cannot find the package ${packageName}`, {
      evidence: seen.map((folder) => `looked from ${folder}`),
      remedy: `npm i -D ${packageName}`,
    });
  }
  const loaded = createRequire(__filename)(path) as typeof ClientNode;
  const known = exposed.get(loaded) ?? { ...loaded, KubeConfig: keepingConnections(loaded.KubeConfig) };
  exposed.set(loaded, known);
  return known;
}
