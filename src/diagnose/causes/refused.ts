import { seenAt } from '../events.js';
import type { Recognise } from './cause.js';
import { eventLine, firstOf, isFresh } from './reading.js';

/** What a rule says, as against an admission that is not there yet, a quota that is full now, or an account to come. */
const byRule =
  /violates PodSecurity|admission webhook "[^"]+" denied|unable to validate against any security/;
const podSecurity = /violates PodSecurity "([^":]+)[^"]*": (.*)$/;

/** A pod that its controller is not allowed to make: there is none, and its owner's events alone tell why. */
export const podRefused: Recognise = (snapshot, context) => {
  const refusals = snapshot.events
    .filter(({ reason }) => reason === 'FailedCreate')
    .sort((a, b) => seenAt(b) - seenAt(a));
  return firstOf(refusals, (event) => {
    const { kind = 'object', name = '' } = event.involvedObject;
    const made = snapshot.pods.some(({ metadata }) =>
      metadata?.ownerReferences?.some((owner) => owner.name === name),
    );
    if (made) return undefined;
    const { message = '' } = event;
    const [, standard, why] = podSecurity.exec(message) ?? [];
    const said = message.replace(/^.*? is forbidden: /, '');
    return {
      sentence: `${kind} ${name} may not make its pod: ${why ?? said}`,
      evidence: [eventLine(snapshot, event)],
      remedy:
        standard === undefined
          ? `Change the pod, or what refuses it.`
          : `Change the pod, or give its namespace the label pod-security.kubernetes.io/enforce=${standard === 'restricted' ? 'baseline' : 'privileged'}.`,
      conclusive: byRule.test(message) && isFresh(event, context),
    };
  });
};
