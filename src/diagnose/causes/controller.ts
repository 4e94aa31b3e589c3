import { seenAt, timesSeen } from '../events.js';
import type { Recognise } from './cause.js';
import { eventLine, firstOf, isFresh } from './reading.js';
import { thresholds } from './thresholds.js';

/** What a new namespace lacks for a moment, or what others may give back. */
const passing =
  /serviceaccount "[^"]+" not found|looking up service account|exceeded quota|is being terminated/;

/** What admits no pod of the kind that a controller makes, in the API server's own words. */
export const podsRefused: Recognise = (snapshot, context) => {
  const of = (reason: string) =>
    snapshot.events
      .filter((event) => event.reason === reason && event.involvedObject.kind !== 'Pod')
      .sort((a, b) => seenAt(b) - seenAt(a));
  const made = of('SuccessfulCreate');
  const refusals = of('FailedCreate').filter(
    (event) =>
      !made.some(
        (other) => other.involvedObject.uid === event.involvedObject.uid && seenAt(other) >= seenAt(event),
      ),
  );
  return firstOf(refusals, (event) => {
    const { uid, kind = '', name = '' } = event.involvedObject;
    const [, why] = /is (?:forbidden|invalid): ([^]+)$/.exec(event.message ?? '') ?? [];
    if (why === undefined) return undefined;
    const tries = refusals
      .filter((each) => each.involvedObject.uid === uid && isFresh(each, context))
      .reduce((sum, each) => sum + timesSeen(each), 0);
    return {
      sentence: `${kind} ${name} can make no pod: ${why.trim()}`,
      evidence: [eventLine(snapshot, event)],
      remedy: /quota/.test(why)
        ? `Ask for less, or raise the namespace's ResourceQuota.`
        : `Correct the pod template, or what its namespace admits (the labels pod-security.kubernetes.io/…).`,
      conclusive: tries >= thresholds.refusedPods && !passing.test(event.message ?? ''),
    };
  });
};
