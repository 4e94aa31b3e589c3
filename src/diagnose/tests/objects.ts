import { type Api, collectionOf, Kinds } from '../../kubernetes/index.js';
import { within } from '../paths.js';
import type { ObjectReference } from '../scope.js';
import type { Changed } from './changes.js';

/** What tests make: of each namespace, all of these kinds. A Secret's values are never read into a file. */
const kinds = {
  Pod: 'api/v1/pods',
  Service: 'api/v1/services',
  ConfigMap: 'api/v1/configmaps',
  PersistentVolumeClaim: 'api/v1/persistentvolumeclaims',
  ServiceAccount: 'api/v1/serviceaccounts',
  Deployment: 'apis/apps/v1/deployments',
  ReplicaSet: 'apis/apps/v1/replicasets',
  StatefulSet: 'apis/apps/v1/statefulsets',
  DaemonSet: 'apis/apps/v1/daemonsets',
  Job: 'apis/batch/v1/jobs',
  CronJob: 'apis/batch/v1/cronjobs',
  Ingress: 'apis/networking.k8s.io/v1/ingresses',
  NetworkPolicy: 'apis/networking.k8s.io/v1/networkpolicies',
  Role: 'apis/rbac.authorization.k8s.io/v1/roles',
  RoleBinding: 'apis/rbac.authorization.k8s.io/v1/rolebindings',
} as const;

/** Every namespace has them from its beginning. */
const usual = new Set(['ConfigMap kube-root-ca.crt', 'ServiceAccount default']);

export interface TouchedObject extends ObjectReference {
  apiVersion: string;
}

/** The objects of namespaces, and those that were touched elsewhere. What cannot be read is left out. */
export async function objectsOf(
  api: Api,
  namespaces: readonly string[],
  touched: readonly TouchedObject[],
): Promise<Changed[]> {
  const lists = namespaces.flatMap((namespace) =>
    Object.entries(kinds).map(async ([kind, resource]) => {
      const apiVersion = resource.slice(0, resource.lastIndexOf('/')).replace(/^apis?\//, '');
      const { items } = await api.request<{ items: Changed[] }>(within(namespace, resource));
      return items.map((item) => ({ apiVersion, kind, ...item }));
    }),
  );
  const served = new Kinds(api);
  const others = touched
    .filter(
      ({ kind, namespace }) => kind !== 'Secret' && !(kind in kinds && namespaces.includes(namespace ?? '')),
    )
    .map(async ({ apiVersion, kind, namespace, name, selector }) => {
      const collection = collectionOf(await served.of(apiVersion, kind), namespace);
      if (name !== undefined)
        return [await api.request<Changed>(`${collection}/${encodeURIComponent(name)}`)];
      const query = selector === undefined ? '' : `?labelSelector=${encodeURIComponent(selector)}`;
      const { items } = await api.request<{ items: Changed[] }>(`${collection}${query}`);
      return items.map((item) => ({ apiVersion, kind, ...item }));
    });
  const found = await Promise.all([...lists, ...others].map((each) => each.catch(() => [])));
  const unique = new Map(found.flat().map((each) => [keyOf(each), each]));
  return [...unique.values()].filter(
    ({ kind = '', metadata }) => !usual.has(`${kind} ${metadata?.name ?? ''}`),
  );
}

const keyOf = ({ kind = '', metadata }: Changed): string =>
  [kind, metadata?.namespace ?? '', metadata?.name ?? ''].join('/');
