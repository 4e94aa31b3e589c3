import type { V1Pod } from '@kubernetes/client-node';

import { selectorText } from '../../kubernetes/index.js';
import { seenAt, timesSeen } from '../events.js';
import type { Recognise } from './cause.js';
import { eventLine, firstOf, isFresh } from './reading.js';
import { thresholds } from './thresholds.js';

/** What a new namespace lacks for a moment, or what others may give back. */
const passing =
  /serviceaccount "[^"]+" not found|looking up service account|exceeded quota|is being terminated|failed calling webhook/;

function remedyFor(why: string): string {
  if (/quota/.test(why)) return `Ask for less, or raise the namespace's ResourceQuota.`;
  const [, standard] = /violates PodSecurity "([^":]+)/.exec(why) ?? [];
  if (standard === undefined) return `Correct the pod template, or what refuses its pods.`;
  const enough = standard === 'restricted' ? 'baseline' : 'privileged';
  return `Correct the pod template, or give its namespace the label pod-security.kubernetes.io/enforce=${enough}.`;
}

const isMadeBy = ({ metadata }: V1Pod, { kind, name }: { kind?: string; name?: string }): boolean =>
  metadata?.ownerReferences?.some((owner) => owner.kind === kind && owner.name === name) === true;

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
      ) && !snapshot.pods.some((pod) => isMadeBy(pod, event.involvedObject)),
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
      remedy: remedyFor(why),
      conclusive: tries >= thresholds.refusedPods && !passing.test(event.message ?? ''),
    };
  });
};

/** How many pods that it may mean are told of. */
const podsTold = 2;

/** Nothing answers at a Service whose selector is misspelt, or whose pods nobody has made. */
export const serviceSelectsNothing: Recognise = ({ services = [], pods }) =>
  firstOf(services, ({ metadata, spec }) => {
    const textOf = (matchLabels: Record<string, string> = {}): string => selectorText({ matchLabels });
    const beside = pods.filter((pod) => pod.metadata?.namespace === metadata?.namespace);
    return {
      sentence: `Service ${metadata?.name ?? ''} leads nowhere: no pod has the labels ${textOf(spec?.selector)} that it selects`,
      evidence:
        beside.length === 0
          ? [`there is no pod in the namespace ${metadata?.namespace ?? ''}`]
          : beside
              .slice(0, podsTold)
              .map(
                (pod) => `pod ${pod.metadata?.name ?? ''} has ${textOf(pod.metadata?.labels) || 'no labels'}`,
              ),
      remedy: `Give the Service, in spec.selector, labels that its pods have, or make such pods.`,
      conclusive: false,
    };
  });
