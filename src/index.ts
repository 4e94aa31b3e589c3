/**
 * What `jest-kubernetes` is at run time. Each word is loaded with its first call: a test file pays for no other, whether it
 * imports or requires, the whole or by name. Its types, and what it says to a reader, are those of `testing/index.ts`.
 */
import { createRequire } from 'node:module';

import type * as Apply from './testing/apply.js';
import type * as As from './testing/as.js';
import type * as Can from './testing/can.js';
import type * as Cp from './testing/cp.js';
import type * as Database from './testing/database.js';
import type * as Events from './testing/events.js';
import type * as Eventually from './testing/eventually.js';
import type * as Exec from './testing/exec.js';
import type * as Forward from './testing/forward.js';
import type * as KubeConfig from './testing/kube-config.js';
import type * as Logs from './testing/logs.js';
import type * as Namespace from './testing/namespace.js';
import type * as Proxy from './testing/proxy.js';
import type * as Remove from './testing/remove.js';
import type * as WaitFor from './testing/wait-for.js';

interface Files {
  apply: typeof Apply;
  as: typeof As;
  can: typeof Can;
  cp: typeof Cp;
  database: typeof Database;
  events: typeof Events;
  eventually: typeof Eventually;
  exec: typeof Exec;
  forward: typeof Forward;
  'kube-config': typeof KubeConfig;
  logs: typeof Logs;
  namespace: typeof Namespace;
  proxy: typeof Proxy;
  remove: typeof Remove;
  'wait-for': typeof WaitFor;
}

const requireLater = createRequire(__filename);

function word<File extends keyof Files, Name extends keyof Files[File] & string>(
  file: File,
  name: Name,
): Files[File][Name] {
  const load = (): Record<string, (...given: unknown[]) => unknown> =>
    requireLater(`./testing/${file}.js`) as never;
  const called = (...given: unknown[]): unknown => load()[name]?.(...given);
  return Object.defineProperty(called, 'name', { value: name }) as Files[File][Name];
}

// values, and small
export {
  available,
  bound,
  complete,
  condition,
  count,
  deleted,
  exists,
  hasEndpoints,
  jsonPath,
  ready,
} from './testing/conditions.js';
export { JestKubernetesError } from './support/errors.js';

// each by its name, which an ES module takes from this file's text
export const apply = word('apply', 'apply');
export const as = word('as', 'as');
export const can = word('can', 'can');
export const client = word('kube-config', 'client');
export const cp = word('cp', 'cp');
export const database = word('database', 'database');
export const events = word('events', 'events');
export const eventually = word('eventually', 'eventually');
export const exec = word('exec', 'exec');
export const forward = word('forward', 'forward');
export const kubeConfig = word('kube-config', 'kubeConfig');
export const logs = word('logs', 'logs');
export const namespace = word('namespace', 'namespace');
export const proxy = word('proxy', 'proxy');
export const remove = word('remove', 'remove');
export const resetDatabase = word('database', 'resetDatabase');
export const waitFor = word('wait-for', 'waitFor');
