import { setTimeout as delay } from 'node:timers/promises';

import type { PostgresConfig } from '../config/index.js';
import { silenceLimit } from '../report/index.js';
import { AwakeTimer } from '../support/awake-timer.js';
import { JestKubernetesError, messageOf } from '../support/errors.js';
import { type PostgresAddress, sqlStateOf } from './connection.js';
import { roomRemedy } from './out-of-room.js';

/** Stopped, crashed, or not up yet; a connection lost on the way; a port at which nobody listens. */
const awayCode = /^(?:57P0[123]|08\w{3}|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT)$/;
/** What pg says of a connection that ends without a word from the server, which has no code. */
const awayMessage = /^(?:Connection terminated|timeout expired)/;

/** Whether this is how a server looks that is being started anew: it may answer again. */
export function isAway(error: unknown): boolean {
  return awayCode.test(sqlStateOf(error) ?? '') || awayMessage.test(messageOf(error));
}

/** A deleted pod is back in seconds, on a node that is short of everything within a minute; in milliseconds. */
const awayLimit = 60_000;
const awayInterval = 100;
/** Servers that this process has waited for in vain; not once more for each test file. */
const givenUp = new Set<string>();

/**
 * Does anew what a server that stopped in the middle left undone, once it is back.
 * @param work - may be done twice
 * @throws JestKubernetesError POSTGRES_FAILED where the server stays away, or will not do it
 */
export async function outlasting<T>(
  { host, port, storage }: PostgresAddress & { storage?: PostgresConfig['storage'] },
  work: () => Promise<T>,
  patience = awayLimit,
): Promise<T> {
  const server = `PostgreSQL at ${host}:${port}`;
  const failed = (what: string, cause: unknown): JestKubernetesError => {
    const remedy = roomRemedy(cause, storage);
    return new JestKubernetesError(
      remedy === undefined ? 'POSTGRES_FAILED' : 'DISK_FULL',
      `${server} ${what}`,
      { evidence: [messageOf(cause)], remedy, cause },
    );
  };
  using waited = new AwakeTimer(Infinity);
  let said = false;
  for (;;) {
    try {
      const result = await work();
      givenUp.delete(server);
      return result;
    } catch (error) {
      if (error instanceof JestKubernetesError) throw error;
      if (!isAway(error)) throw failed('could not give this worker its database', error);
      const { passed } = waited;
      if (givenUp.has(server)) throw failed('still does not answer', error);
      if (passed >= patience) {
        givenUp.add(server);
        throw failed(`has not answered for ${Math.round(patience / 1000)} s`, error);
      }
      if (passed >= silenceLimit && !said) {
        process.stderr.write(`jest-kubernetes: waiting for ${server}: ${messageOf(error)}\n`);
        said = true;
      }
    }
    await delay(awayInterval);
  }
}
