import type { Scope } from './scope.js';

/** Has something closed at the end of its scope; at once where that has ended meanwhile, as nobody else would. */
export async function untilEnd(scope: Scope, close: () => Promise<void>): Promise<void> {
  if (!scope.signal.aborted) {
    scope.atEnd(close);
    return;
  }
  await close();
  throw scope.signal.reason as Error;
}
