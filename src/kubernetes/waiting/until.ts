import { orAborted } from '../../support/abort.js';
import type { Collection } from './collection.js';
import type { Verdict } from './verdict.js';

interface UntilOptions {
  signal: AbortSignal;
  /** Told of each look. */
  onLook?: (verdict: Verdict) => void;
}

/**
 * Looks again whenever something in the collections changes.
 * @returns the verdict that ends it: met, or never
 * @throws ApiError where a collection may not be listed; the signal's reason
 */
export async function until(
  collections: readonly Collection[],
  look: () => Verdict,
  { signal, onLook }: UntilOptions,
): Promise<Exclude<Verdict, { is: 'not yet' }>> {
  const { promise, resolve, reject } = Promise.withResolvers<Exclude<Verdict, { is: 'not yet' }>>();
  const step = (): void => {
    try {
      const verdict = look();
      onLook?.(verdict);
      if (verdict.is !== 'not yet') resolve(verdict);
    } catch (error) {
      reject(error);
    }
  };
  // what is read first may lack what is read next
  let isComplete = false;
  const ends = collections.map((each) =>
    each.onChange(() => {
      if (isComplete) step();
    }),
  );
  try {
    await Promise.all(collections.map((each) => each.refresh(signal)));
    isComplete = true;
    step();
    return await orAborted(promise, signal);
  } finally {
    for (const end of ends) end();
    promise.catch(() => undefined);
  }
}
