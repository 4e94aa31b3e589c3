import * as k8s from '@kubernetes/client-node';
import { Queue } from './queue';
import { InvalidSpec, manager, objectsOf, render, websites, type Website } from './website';

type Ready = Pick<k8s.V1Condition, 'status' | 'reason' | 'message'>;
type List = () => Promise<k8s.KubernetesListObject<k8s.KubernetesObject>>;

/** Makes of each Website of a namespace a Deployment behind a Service, and tells in its status how that went. */
export class Controller {
  readonly #core: k8s.CoreV1Api;
  readonly #custom: k8s.CustomObjectsApi;
  readonly #objects: k8s.KubernetesObjectApi;
  readonly #informers: k8s.Informer<k8s.KubernetesObject>[];
  readonly #queue = new Queue((name) => this.#reconcile(name));
  readonly #websites: typeof websites & { namespace: string };
  #stopped = false;

  constructor(config: k8s.KubeConfig, namespace: string) {
    this.#websites = { ...websites, namespace };
    this.#core = config.makeApiClient(k8s.CoreV1Api);
    this.#custom = config.makeApiClient(k8s.CustomObjectsApi);
    this.#objects = k8s.KubernetesObjectApi.makeApiClient(config);
    const apps = config.makeApiClient(k8s.AppsV1Api);
    const labelSelector = `app.kubernetes.io/managed-by=${manager}`;
    const ours = { namespace, labelSelector };
    const watched: [path: string, list: List, selector?: string][] = [
      [
        `/apis/example.com/v1/namespaces/${namespace}/websites`,
        () => this.#custom.listNamespacedCustomObject(this.#websites),
      ],
      [
        `/api/v1/namespaces/${namespace}/configmaps`,
        () => this.#core.listNamespacedConfigMap(ours),
        labelSelector,
      ],
      [
        `/api/v1/namespaces/${namespace}/services`,
        () => this.#core.listNamespacedService(ours),
        labelSelector,
      ],
      [
        `/apis/apps/v1/namespaces/${namespace}/deployments`,
        () => apps.listNamespacedDeployment(ours),
        labelSelector,
      ],
    ];
    this.#informers = watched.map(([path, list, selector]) => {
      const informer = k8s.makeInformer(config, path, list, selector);
      informer.on('change', ({ metadata }) => {
        const owner = metadata?.ownerReferences?.find(({ kind }) => kind === 'Website');
        this.#queue.add((owner ?? metadata)?.name ?? '');
      });
      // a connection was lost, or the rights are not there yet
      informer.on('error', (error) => {
        if (this.#stopped) return;
        console.error(`${path}: ${String(error)}`);
        setTimeout(() => this.#stopped || void informer.start(), 1000);
      });
      return informer;
    });
  }

  /** Comes back when it knows all that there is, and watches for more. */
  async start(): Promise<void> {
    await Promise.all(this.#informers.map((informer) => informer.start()));
  }

  /** Watches nothing more, and ends what it is at. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#informers.map((informer) => informer.stop()));
    await this.#queue.stop();
  }

  /** Has all as the website wants it, whatever was there before: it may be done again at any time. */
  async #reconcile(name: string): Promise<void> {
    const website = await this.#read(name);
    // what it owns goes with it, by the owner references
    if (website === undefined || website.metadata.deletionTimestamp !== undefined) return;
    let page: string;
    try {
      page = render(website.spec);
    } catch (error) {
      if (!(error instanceof InvalidSpec)) throw error;
      return this.#report(website, { status: 'False', reason: 'InvalidSpec', message: error.message });
    }
    const { configMap, service, deployment } = objectsOf(website, page);
    await this.#apply(configMap);
    await this.#apply(service);
    await this.#report(website, readinessOf(await this.#apply(deployment)));
  }

  async #read(name: string): Promise<Website | undefined> {
    try {
      return (await this.#custom.getNamespacedCustomObject({ ...this.#websites, name })) as Website;
    } catch (error) {
      if (error instanceof k8s.ApiException && error.code === 404) return undefined;
      throw error;
    }
  }

  #apply<T extends k8s.KubernetesObject>(object: T): Promise<T> {
    return this.#objects.patch(
      object,
      undefined,
      undefined,
      manager,
      true,
      k8s.PatchStrategy.ServerSideApply,
    );
  }

  /** Writes the condition Ready where it is not what it was, and an event where that is news. */
  async #report(website: Website, ready: Ready): Promise<void> {
    const { name = '', generation: observedGeneration } = website.metadata;
    const last = website.status?.conditions?.find(({ type }) => type === 'Ready');
    const isNews = last?.reason !== ready.reason || last.message !== ready.message;
    if (!isNews && website.status?.observedGeneration === observedGeneration) return;
    const lastTransitionTime = last?.status === ready.status ? last.lastTransitionTime : new Date();
    const condition = { type: 'Ready', ...ready, observedGeneration, lastTransitionTime };
    await this.#custom.patchNamespacedCustomObjectStatus(
      { ...this.#websites, name, body: { status: { observedGeneration, conditions: [condition] } } },
      k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.MergePatch),
    );
    if (isNews) await this.#tell(website, ready);
  }

  async #tell({ apiVersion, kind, metadata }: Website, { reason, message }: Ready): Promise<void> {
    const { name = '', namespace = '', uid } = metadata;
    const now = new Date();
    await this.#core.createNamespacedEvent({
      namespace,
      body: {
        metadata: { generateName: `${name}.` },
        involvedObject: { apiVersion, kind, name, namespace, uid },
        ...{ type: reason === 'InvalidSpec' ? 'Warning' : 'Normal', reason, message },
        ...{ source: { component: manager }, count: 1, firstTimestamp: now, lastTimestamp: now },
      },
    });
  }
}

/** Of a Deployment: whether all its pods are of its newest version, and available. */
function readinessOf({ metadata, spec, status }: k8s.V1Deployment): Ready {
  const wanted = spec?.replicas ?? 1;
  const isSeen = status?.observedGeneration === metadata?.generation;
  const updated = isSeen ? (status?.updatedReplicas ?? 0) : 0;
  const isDone =
    isSeen &&
    updated === wanted &&
    (status?.availableReplicas ?? 0) === wanted &&
    (status?.replicas ?? 0) === wanted;
  return isDone
    ? { status: 'True', reason: 'Available', message: `it is served by ${wanted} pods` }
    : { status: 'False', reason: 'RollingOut', message: 'its pods are not all available' };
}
