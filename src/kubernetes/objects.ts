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
    uid?: string;
    /** Set by the API server: another after each change. */
    resourceVersion?: string;
    ownerReferences?: { controller?: boolean }[];
    /** Set by the API server: it is being deleted. */
    deletionTimestamp?: string;
  };
  [field: string]: unknown;
}

/** How a reader is told of an object: `Deployment shop/api`. */
export function describeObject({ kind, metadata: { namespace, name } }: KubernetesObject): string {
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}
