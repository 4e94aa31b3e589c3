/** As whom the API server notes what this package writes. */
export const fieldManager = 'jest-kubernetes';

/** Any Kubernetes object, as plain data. */
export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    /** Set by the API server: no other object ever has it. */
    uid?: string | undefined;
    /** Set by the API server: another one after each change. */
    resourceVersion?: string | undefined;
    /** Set by the API server: who wrote which fields. */
    managedFields?: { manager?: string }[];
    ownerReferences?: { controller?: boolean }[];
    finalizers?: string[];
    /** Set by the API server: it is being deleted. */
    deletionTimestamp?: string;
  };
  [field: string]: unknown;
}

/** The group of a kind: `apps`; empty for the core group, which has no name. */
export function groupOf({ apiVersion }: Pick<KubernetesObject, 'apiVersion'>): string {
  return apiVersion.includes('/') ? (apiVersion.split('/', 1)[0] ?? '') : '';
}

/** Of a group that is not Kubernetes' own. */
export function isCustom(object: Pick<KubernetesObject, 'apiVersion'>): boolean {
  const group = groupOf(object);
  return group.includes('.') && !group.endsWith('.k8s.io');
}

/** How a reader is told of an object: `Deployment shop/api`. */
export function describeObject({ kind, metadata: { namespace, name } }: KubernetesObject): string {
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}
