import type { ClusterAccess } from './access.js';
import { openApi } from './client.js';
import { selectorText } from './pods.js';
import { forwardToPods, type PortForward } from './port-forward.js';

interface ServicePort {
  name?: string;
  port: number;
  targetPort?: number | string;
}

/** What is read of a Service. */
export interface Service {
  metadata: { name: string; namespace: string };
  spec: { selector?: Record<string, string>; ports?: ServicePort[] };
}

/** Where a service's port leads to. */
export interface ServicePods {
  namespace: string;
  selector: string;
  /** The pods' port, or its name. */
  port: number | string;
}

/**
 * @param port - the service's port, or its name
 * @throws where the service has no pods by a selector, or no such port
 */
export function podsBehind({ metadata, spec }: Service, port: number | string): ServicePods {
  const { name, namespace } = metadata;
  const { selector = {}, ports = [] } = spec;
  if (Object.keys(selector).length === 0) throw new Error(`Service ${namespace}/${name} selects no pods`);
  const found = ports.find((each) => (typeof port === 'number' ? each.port === port : each.name === port));
  if (found === undefined) {
    const has = ports.map((each) =>
      each.name === undefined ? String(each.port) : `${each.port} (${each.name})`,
    );
    throw new Error(`Service ${namespace}/${name} has no port ${port}; it has ${has.join(', ') || 'none'}`);
  }
  return {
    ...{ namespace, selector: selectorText({ matchLabels: selector }) },
    port: found.targetPort ?? found.port,
  };
}

export interface ForwardedService {
  access: ClusterAccess;
  namespace: string;
  service: string;
  /** The service's port. */
  port: number;
  /** The port to listen on; 0, the default, is any free one. */
  localPort?: number;
  signal?: AbortSignal;
}

/**
 * Forwards a port of 127.0.0.1 to a service, by a connection of its own to the API server.
 * @throws ApiError; as {@link podsBehind} and {@link forwardToPods} do
 */
export async function forwardPort(options: ForwardedService): Promise<PortForward> {
  const { access, namespace, service, port, localPort, signal } = options;
  const api = openApi(access);
  try {
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/services/${encodeURIComponent(service)}`;
    const pods = podsBehind(await api.request<Service>(path, { signal }), port);
    const forward = await forwardToPods(api, { ...pods, localPort, signal });
    const close = async (): Promise<void> => {
      await forward.close();
      api[Symbol.dispose]();
    };
    return { port: forward.port, close };
  } catch (error) {
    api[Symbol.dispose]();
    throw error;
  }
}
