import type { KubeConfig } from '@kubernetes/client-node';

/** As whom a request is to be taken: the API server's own headers for it. */
export interface ImpersonationHeaders {
  'Impersonate-User': string;
  'Impersonate-Group'?: string[];
}

/** What is used of a request that the client library is about to send: version 1 has agents, version 2 dispatchers. */
interface RequestContext {
  setHeaderParam(name: string, value: string): void;
  getAgent?(): Agent | undefined;
  setAgent?(agent: Agent): void;
  getDispatcher?(): Dispatcher | undefined;
  setDispatcher?(dispatcher: Dispatcher): void;
}
interface Agent {
  addRequest(request: { setHeader(name: string, value: string[]): void }, ...more: unknown[]): unknown;
}
interface Dispatcher {
  dispatch(options: { headers?: object; allowH2?: boolean }, handler: unknown): boolean;
}

/** Has every call by this configuration say as whom it is; the library itself knows of a user, but of no groups. */
export function impersonate(config: KubeConfig, headers: () => Promise<ImpersonationHeaders>): void {
  const calls = config.applySecurityAuthentication.bind(config);
  config.applySecurityAuthentication = async (context): Promise<void> => {
    await calls(context);
    say(context as unknown as RequestContext, await headers());
  };
  const others = config.applyToHTTPSOptions.bind(config);
  config.applyToHTTPSOptions = async (options): Promise<void> => {
    await others(options);
    const request = options as { headers?: object };
    request.headers = { ...request.headers, ...(await headers()) };
  };
}

function say(context: RequestContext, headers: ImpersonationHeaders): void {
  const { 'Impersonate-User': user, 'Impersonate-Group': groups = [] } = headers;
  context.setHeaderParam('Impersonate-User', user);
  const [first] = groups;
  if (first === undefined) return;
  if (groups.length === 1) context.setHeaderParam('Impersonate-Group', first);
  else sayEach(context, groups);
}

/** A header for each group, which a map of headers cannot hold: the connection adds them. */
function sayEach(context: RequestContext, groups: string[]): void {
  const dispatcher = context.getDispatcher?.();
  const agent = context.getAgent?.();
  if (dispatcher !== undefined) context.setDispatcher?.(dispatching(dispatcher, groups));
  else if (agent !== undefined) context.setAgent?.(requesting(agent, groups));
  else throw new Error('more than one group can be impersonated only by HTTPS');
}

const dispatching = (dispatcher: Dispatcher, groups: string[]): Dispatcher =>
  Object.create(dispatcher, {
    dispatch: {
      value: (options: { headers?: object }, handler: unknown) =>
        dispatcher.dispatch(
          // by HTTP/2 the library would make one header of them
          { ...options, allowH2: false, headers: { ...options.headers, 'impersonate-group': groups } },
          handler,
        ),
    },
  }) as Dispatcher;

const requesting = (agent: Agent, groups: string[]): Agent =>
  Object.create(agent, {
    addRequest: {
      value: (request: Parameters<Agent['addRequest']>[0], ...more: unknown[]) => {
        request.setHeader('Impersonate-Group', groups);
        return agent.addRequest(request, ...more);
      },
    },
  }) as Agent;
