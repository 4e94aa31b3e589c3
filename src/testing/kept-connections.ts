import { AsyncLocalStorage } from 'node:async_hooks';
import { isDeepStrictEqual } from 'node:util';

import type * as ClientNode from '@kubernetes/client-node';

import { fileScope } from './test-file.js';

// Node makes a resolver with the first use of it, which keeps the async context of that for good
import 'node:dns';

/**
 * Where connections and their timers are made: each keeps the async context that it is made in, and a test's, which is
 * jest-circus's, keeps the test file's whole sandbox.
 */
const outsideOfTests = AsyncLocalStorage.snapshot();

interface Dispatcher {
  dispatch(...request: unknown[]): boolean;
  destroy(): Promise<void>;
}

/** What is used of version 2 of the client library, whose types call it private. */
interface Dispatching {
  createDispatcherOptions(...from: unknown[]): unknown;
  createDispatcher(...from: unknown[]): Dispatcher | undefined;
}

type KubeConfigClass = typeof ClientNode.KubeConfig;

/**
 * The library's `KubeConfig`, but one that keeps its connections, to the end of the test file: its own makes a new one, with
 * a TLS handshake, for each call, and leaves it open for seconds. That of version 1 is as it was: it closes them.
 */
export function keepingConnections(library: KubeConfigClass): KubeConfigClass {
  const prototype = library.prototype as unknown as Partial<Dispatching>;
  if (prototype.createDispatcher === undefined || prototype.createDispatcherOptions === undefined)
    return library;
  class KubeConfig extends (library as unknown as new () => Dispatching) {
    /** By what they connect with: credentials may be renewed. */
    readonly #kept: { options: unknown; dispatcher: Dispatcher }[] = [];

    override createDispatcher(...from: unknown[]): Dispatcher | undefined {
      const options = this.createDispatcherOptions(...from);
      const known = this.#kept.find((each) => isDeepStrictEqual(each.options, options));
      if (known !== undefined) return known.dispatcher;
      const dispatcher = super.createDispatcher(...from);
      if (dispatcher === undefined) return undefined;
      const dispatch = dispatcher.dispatch.bind(dispatcher);
      dispatcher.dispatch = (...request) => outsideOfTests(() => dispatch(...request));
      const kept = { options, dispatcher };
      this.#kept.push(kept);
      fileScope().atEnd(async () => {
        this.#kept.splice(this.#kept.indexOf(kept), 1);
        await dispatcher.destroy();
      });
      return dispatcher;
    }
  }
  return KubeConfig as unknown as KubeConfigClass;
}
