import type { KubernetesObject } from '../kubernetes/index.js';
import type { AnyObject } from './typed.js';

/**
 * Changes an object: in place, or by the object that it returns; or a JSON merge patch (RFC 7386), in which `null` takes
 * away.
 */
export type Patch = ((object: AnyObject) => unknown) | Readonly<Record<string, unknown>>;

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function merged(target: unknown, patch: unknown): unknown {
  if (!isMap(patch)) return patch;
  const result: Record<string, unknown> = isMap(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) Reflect.deleteProperty(result, key);
    else if (value !== undefined) result[key] = merged(result[key], value);
  }
  return result;
}

export function patched(object: KubernetesObject, patch: Patch | undefined): KubernetesObject {
  if (patch === undefined) return object;
  if (typeof patch !== 'function')
    return merged(object, JSON.parse(JSON.stringify(patch))) as KubernetesObject;
  const changed = patch(object as unknown as AnyObject);
  // an arrow that assigns gives back what it has assigned
  const isObject = isMap(changed) && 'kind' in changed && 'metadata' in changed;
  return JSON.parse(JSON.stringify(isObject ? changed : object)) as KubernetesObject;
}
