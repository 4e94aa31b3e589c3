import { createRequire } from 'node:module';
import { sep } from 'node:path';
import type { EnvironmentContext, JestEnvironment, JestEnvironmentConfig } from '@jest/environment';

interface Instance extends Omit<JestEnvironment, 'handleTestEvent' | 'setup' | 'teardown'> {
  setup(): Promise<void>;
  teardown(): Promise<void>;
}

/** It has no `handleTestEvent` of its own: a subclass may bring one. */
export type NodeEnvironment = new (config: JestEnvironmentConfig, context: EnvironmentContext) => Instance;

const packageName = 'jest-environment-node';

/** From package to package, each a dependency of the one before: strict package managers allow no other way. */
function resolveAlong(from: string, packages: readonly string[]): string | undefined {
  try {
    return packages.reduce((place, name, index) => {
      const isLast = index === packages.length - 1;
      return createRequire(place).resolve(isLast ? name : `${name}/package.json`);
    }, from);
  } catch {
    return undefined;
  }
}

/** `jest-environment-node` of the Jest that runs here, 29 or 30: one of another major does not fit its runner. */
export function nodeEnvironment(): NodeEnvironment {
  const runner = Object.keys(require.cache).find((path) =>
    path.includes(`${sep}jest-runner${sep}build${sep}`),
  );
  const viaJest = ['jest', '@jest/core', 'jest-runner', packageName];
  const path =
    (runner === undefined ? undefined : resolveAlong(runner, [packageName])) ??
    resolveAlong(`${process.cwd()}${sep}`, viaJest) ??
    resolveAlong(__filename, viaJest) ??
    packageName;
  return (createRequire(__filename)(path) as { TestEnvironment: NodeEnvironment }).TestEnvironment;
}
