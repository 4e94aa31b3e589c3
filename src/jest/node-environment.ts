import { createRequire } from 'node:module';

import type { EnvironmentContext, JestEnvironment, JestEnvironmentConfig } from '@jest/environment';

import { resolveOfJest } from './resolve-along.js';

interface Instance extends Omit<JestEnvironment, 'handleTestEvent' | 'setup' | 'teardown'> {
  setup(): Promise<void>;
  teardown(): Promise<void>;
}

/** It has no `handleTestEvent` of its own: a subclass may bring one. */
export type NodeEnvironment = new (config: JestEnvironmentConfig, context: EnvironmentContext) => Instance;

/** `jest-environment-node` of the Jest that runs here, 29 or 30: one of another major does not fit its runner. */
export function nodeEnvironment(): NodeEnvironment {
  const path = resolveOfJest(['jest', '@jest/core', 'jest-runner', 'jest-environment-node']);
  return (createRequire(__filename)(path) as { TestEnvironment: NodeEnvironment }).TestEnvironment;
}
