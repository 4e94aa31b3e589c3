import type { KubernetesObject } from '../objects.js';

/** How something stands to what is waited for. */
export type Verdict =
  | { is: 'met' }
  /** @see lacks - what is still missing, as the rest of a sentence: `1 of 2 replicas are ready` */
  | { is: 'not yet'; lacks: string }
  /** Waiting longer cannot help. */
  | { is: 'never'; why: string };

export const met: Verdict = { is: 'met' };
export const notYet = (lacks: string): Verdict => ({ is: 'not yet', lacks });
export const never = (why: string): Verdict => ({ is: 'never', why });

/** One of `status.conditions`, as nearly all kinds have them. */
export interface StatusCondition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  observedGeneration?: number;
}

export function statusConditions({ status }: KubernetesObject): StatusCondition[] {
  const { conditions } = (status ?? {}) as { conditions?: StatusCondition[] };
  return Array.isArray(conditions) ? conditions : [];
}

/** A condition as it is told: `Available is False (MinimumReplicasUnavailable): …`. */
export function describeCondition({ type, status, reason, message }: StatusCondition): string {
  return `${type} is ${status}${reason ? ` (${reason})` : ''}${message ? `: ${message.trim()}` : ''}`;
}

/** Whether its controller has taken up what its spec says now, as far as the status tells. */
export function generationSeen({ metadata, status }: KubernetesObject): Verdict {
  const { generation } = metadata as { generation?: number };
  const { observedGeneration } = (status ?? {}) as { observedGeneration?: number };
  return generation !== undefined && observedGeneration !== undefined && observedGeneration < generation
    ? notYet(`its controller has seen generation ${observedGeneration} of ${generation}`)
    : met;
}

/** Whether an object's condition has a status; what it is instead, where it has not. */
export function conditionIs(object: KubernetesObject, type: string, wanted = 'True'): Verdict {
  const found = statusConditions(object).find((each) => each.type.toLowerCase() === type.toLowerCase());
  if (found === undefined) {
    const others = statusConditions(object).map((each) => each.type);
    return notYet(`it has no condition ${type}${others.length > 0 ? `, but ${others.join(', ')}` : ' yet'}`);
  }
  const { generation } = object.metadata as { generation?: number };
  if (
    found.observedGeneration !== undefined &&
    generation !== undefined &&
    found.observedGeneration < generation
  )
    return notYet(`its condition ${type} is that of an earlier generation`);
  return found.status.toLowerCase() === wanted.toLowerCase() ? met : notYet(describeCondition(found));
}
