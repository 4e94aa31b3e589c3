import { millis } from '../events.js';
import type { ChangeLine } from './record.js';

/** What is read of any object. */
export interface Changed {
  kind?: string;
  metadata?: {
    name?: string;
    namespace?: string;
    creationTimestamp?: string;
    deletionTimestamp?: string;
    managedFields?: { manager?: string; operation?: string; time?: string; fieldsV1?: object }[];
  };
}

const SHOWN = 6;

/** The fields that a manager has set, as paths: `spec.replicas`, `status.conditions[Ready].status`. */
function pathsIn(fields: object, before = ''): string[] {
  return Object.entries(fields).flatMap(([key, inner]: [string, object]) => {
    if (key === '.') return [];
    const path = key.startsWith('f:')
      ? `${before}${before === '' ? '' : '.'}${key.slice(2)}`
      : `${before}[${labelOf(key)}]`;
    const below = pathsIn(inner, path);
    return below.length > 0 ? below : [path];
  });
}

/** Of `k:{"type":"Ready"}`, `Ready`. */
function labelOf(key: string): string {
  try {
    const parsed = JSON.parse(key.slice(2)) as unknown;
    return typeof parsed === 'object' && parsed !== null ? Object.values(parsed).join('/') : String(parsed);
  } catch {
    return key;
  }
}

/**
 * What has changed in objects since a moment (milliseconds since the epoch, by the API server's clock), as far as they
 * tell themselves: the server notes who has set which fields last, and when.
 */
export function changesSince(objects: readonly Changed[], since: number): ChangeLine[] {
  // times are told in whole seconds
  const from = Math.floor(since / 1000) * 1000;
  const lines = objects.flatMap(({ kind = '', metadata = {} }): ChangeLine[] => {
    const { namespace, name = '', creationTimestamp, deletionTimestamp, managedFields = [] } = metadata;
    const object = `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
    const created = millis(creationTimestamp);
    return [
      ...(created >= from ? [{ at: created, object, what: 'created' }] : []),
      ...(deletionTimestamp === undefined
        ? []
        : [{ at: millis(deletionTimestamp), object, what: 'is being deleted' }]),
      ...managedFields.flatMap(({ manager = '', time, fieldsV1 = {} }) => {
        const at = millis(time);
        // what it was created with
        if (at < from || at === created) return [];
        const paths = pathsIn(fieldsV1);
        const more = paths.length > SHOWN ? ` and ${String(paths.length - SHOWN)} more` : '';
        return [{ at, object, what: `${manager} set ${paths.slice(0, SHOWN).join(', ')}${more}` }];
      }),
    ];
  });
  return lines.sort((a, b) => a.at - b.at);
}
