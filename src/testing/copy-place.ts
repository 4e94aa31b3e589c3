import { posix } from 'node:path';

import { JestKubernetesError } from '../support/errors.js';
import type { Target } from './target.js';

/** A path in a container: `pod/web:/var/lib/data`, `deployment/web:/etc/app.yaml`. */
export interface PlaceInPod {
  target: Target;
  /** Absolute. */
  path: string;
}

/** A path of this machine, or one in a container. */
export type Place = string | PlaceInPod;

/** Undefined for a path of this machine. */
export function placeInPod(place: Place): PlaceInPod | undefined {
  const [, target = '', path = ''] =
    typeof place === 'string' ? (/^([a-z][a-z0-9.-]*\/[^:/]*):(.*)$/is.exec(place) ?? []) : [];
  const found = typeof place === 'string' ? { target, path } : place;
  if (found.target === '') return undefined;
  if (!found.path.startsWith('/') || posix.normalize(found.path) === '/')
    throw unusable(`‘${found.path}’`, 'the path in a container is an absolute one, and not / itself');
  return found;
}

/** One end of a copy is in a pod, the other is not. */
export const unusable = (what: string, why: string): JestKubernetesError =>
  new JestKubernetesError('TARGET_INVALID', `cp() cannot copy ${what}: ${why}`, {
    remedy: "cp('./fixtures', 'pod/web:/srv') or cp('pod/web:/var/log/app.log', './app.log')",
  });
