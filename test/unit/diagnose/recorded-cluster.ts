import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { type Answer, fakeServer, json, refusal } from '../kubernetes/api-server.js';

interface Recorded {
  /** When, by the cluster's clock. */
  at: string;
  /** What the API server answered, by path. */
  answers: Record<string, unknown>;
}

const read = (name: string) =>
  JSON.parse(readFileSync(join(__dirname, 'recorded', `${name}.json`), 'utf8')) as Recorded;

/**
 * A real cluster's answers, as they were recorded:
 *
 * `two-runs`: `others` is the namespace of another run's tests, whose Deployment `worker` crashes. In `shop` the
 * Deployment `api` (Service `front`) crashes, `web` is well, and the Job `migrate` failed once and then succeeded.
 *
 * @param changes - other answers, by path
 */
export async function recordedCluster(name: string, changes: Record<string, Answer> = {}) {
  const { at, answers } = read(name);
  const answer: Answer = (response, asked) => {
    const path = asked.url.replace(/&(?:tailLines|limitBytes|sinceTime|timestamps).*$/, '');
    const given = answers[path] ?? (path.endsWith('/secrets') ? { items: [] } : undefined);
    const otherwise =
      given === undefined ? refusal(404) : json(given, 200, { date: new Date(at).toUTCString() });
    const text = typeof given === 'string';
    if (changes[path]) return changes[path](response, asked);
    return text
      ? response.writeHead(200, { date: new Date(at).toUTCString() }).end(given)
      : otherwise(response, asked);
  };
  return { at: Date.parse(at), server: await fakeServer([answer]) };
}
