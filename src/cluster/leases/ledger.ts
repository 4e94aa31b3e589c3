import type { Holder, Json } from './state.js';
import { type Change, type Found, holds, type IsAlive, stay, without } from './transitions.js';

/* What is done once in a cluster's life, as changes of its state: one run does it, the others take what it came to. */

export type Turn =
  { to: 'do' } | { to: 'take'; value: Json } | { to: 'wait'; holder: Holder } | { to: 'lost' };

/**
 * A run wants a piece of work done once: it does it, takes what it came to, or waits for the live run that does it.
 * @param isAtIt - whether the run knows of doing it already
 */
export function begin(
  state: Found,
  runId: string,
  key: string,
  isAlive: IsAlive,
  isAtIt = false,
): Change<Turn> {
  if (!holds(state, runId)) return stay(state, { to: 'lost' });
  const entry = state.ledger[key];
  if (entry?.state === 'done') return stay(state, { to: 'take', value: entry.value });
  const holder = entry === undefined ? undefined : state.leases[entry.by];
  // its own entry, which it knows nothing of: said twice, as the first answer did not arrive
  const isOwn = holder?.runId === runId && !isAtIt;
  if (isOwn) return stay(state, { to: 'do' });
  if (holder !== undefined && isAlive(holder)) return stay(state, { to: 'wait', holder });
  return stay({ ...state, ledger: { ...state.ledger, [key]: { state: 'doing', by: runId } } }, { to: 'do' });
}

/** The work is done, or (without a value) it failed and the next one may try. */
export function finish(state: Found, runId: string, key: string, value?: Json): Change<boolean> {
  if (!holds(state, runId)) return stay(state, false);
  const entry = state.ledger[key];
  // said twice: another does it by now
  if (entry?.state !== 'doing' || entry.by !== runId) return stay(state, true);
  const ledger = without(state.ledger, (_, other) => other === key);
  return stay(
    { ...state, ledger: value === undefined ? ledger : { ...ledger, [key]: { state: 'done', value } } },
    true,
  );
}
