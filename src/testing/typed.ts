import type * as k8s from '@kubernetes/client-node';

/** An object of whatever kind, as the server has it: what is not known of it is open. */
export interface AnyObject {
  apiVersion: string;
  kind: string;
  metadata: k8s.V1ObjectMeta & { name: string };
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a test reads what its own resource has
  [field: string]: any;
}

/** By apiVersion and kind, as an object names them. */
interface Versions {
  v1: {
    ConfigMap: k8s.V1ConfigMap;
    Endpoints: k8s.V1Endpoints;
    Event: k8s.CoreV1Event;
    LimitRange: k8s.V1LimitRange;
    Namespace: k8s.V1Namespace;
    Node: k8s.V1Node;
    PersistentVolume: k8s.V1PersistentVolume;
    PersistentVolumeClaim: k8s.V1PersistentVolumeClaim;
    Pod: k8s.V1Pod;
    ReplicationController: k8s.V1ReplicationController;
    ResourceQuota: k8s.V1ResourceQuota;
    Secret: k8s.V1Secret;
    Service: k8s.V1Service;
    ServiceAccount: k8s.V1ServiceAccount;
  };
  'apps/v1': {
    DaemonSet: k8s.V1DaemonSet;
    Deployment: k8s.V1Deployment;
    ReplicaSet: k8s.V1ReplicaSet;
    StatefulSet: k8s.V1StatefulSet;
  };
  'batch/v1': { CronJob: k8s.V1CronJob; Job: k8s.V1Job };
  'networking.k8s.io/v1': { Ingress: k8s.V1Ingress; NetworkPolicy: k8s.V1NetworkPolicy };
  'policy/v1': { PodDisruptionBudget: k8s.V1PodDisruptionBudget };
  'autoscaling/v2': { HorizontalPodAutoscaler: k8s.V2HorizontalPodAutoscaler };
  'rbac.authorization.k8s.io/v1': {
    ClusterRole: k8s.V1ClusterRole;
    ClusterRoleBinding: k8s.V1ClusterRoleBinding;
    Role: k8s.V1Role;
    RoleBinding: k8s.V1RoleBinding;
  };
  'apiextensions.k8s.io/v1': { CustomResourceDefinition: k8s.V1CustomResourceDefinition };
  'coordination.k8s.io/v1': { Lease: k8s.V1Lease };
  'storage.k8s.io/v1': { StorageClass: k8s.V1StorageClass };
}

type Union<T> = T extends unknown ? (argument: T) => void : never;
type Intersection<T> = Union<T> extends (argument: infer I) => void ? I : never;
/** By kind alone. */
type Kinds = Intersection<Versions[keyof Versions]>;

/** Words of kubectl that are neither a kind nor its plural. */
interface ShortNames {
  cm: 'ConfigMap';
  crd: 'CustomResourceDefinition';
  deploy: 'Deployment';
  ds: 'DaemonSet';
  ing: 'Ingress';
  ns: 'Namespace';
  no: 'Node';
  po: 'Pod';
  pv: 'PersistentVolume';
  pvc: 'PersistentVolumeClaim';
  rs: 'ReplicaSet';
  sa: 'ServiceAccount';
  sts: 'StatefulSet';
  svc: 'Service';
}

type Named<Word extends string> = {
  [Kind in keyof Kinds]: Lowercase<Word> extends Lowercase<Kind> | `${Lowercase<Kind>}s`
    ? Kinds[Kind]
    : never;
}[keyof Kinds];

/** The type of a kind by a person's word for it: `deployment`, `Deployment`, `deployments.apps`, `deploy`. */
type ByWord<Word extends string> = Word extends `${infer Plain}.${string}`
  ? ByWord<Plain>
  : Word extends keyof ShortNames
    ? Kinds[ShortNames[Word]]
    : [Named<Word>] extends [never]
      ? AnyObject
      : Named<Word>;

/** @param T - the object's own type: of a custom resource it is the one, where it knows what a literal does not, a status */
type ByKind<Version, Kind, T> = Version extends keyof Versions
  ? Kind extends keyof Versions[Version]
    ? Versions[Version][Kind]
    : AnyObject
  : 'status' extends keyof T
    ? T
    : AnyObject;

/** The type of the object that something names: by the text of a literal, or by its own type. */
export type ObjectOf<T> = T extends string
  ? T extends `${infer Word}/${string}`
    ? ByWord<Word>
    : ByWord<T>
  : T extends { apiVersion: infer Version extends string; kind: infer Kind extends string }
    ? string extends Kind
      ? AnyObject
      : ByKind<Version, Kind, T>
    : T extends { metadata?: unknown }
      ? T
      : T extends { kind: infer Kind extends string }
        ? ByWord<Kind>
        : AnyObject;

/** What a target stands for: an object, or all that it selects. */
export type FoundOf<T> = T extends string
  ? T extends `${string}/${string}`
    ? ObjectOf<T>
    : string extends T
      ? AnyObject
      : ObjectOf<T>[]
  : T extends { metadata?: unknown }
    ? ObjectOf<T>
    : T extends { name: string }
      ? ObjectOf<T>
      : ObjectOf<T>[];
