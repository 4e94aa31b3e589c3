import type { KubeConfig } from '@kubernetes/client-node';

/** What a `KubeConfig` asks the environment for. */
const asked = ['KUBECONFIG', 'HOME', 'KUBERNETES_SERVICE_HOST', 'KUBERNETES_SERVICE_PORT'] as const;

type Class = { prototype: Pick<KubeConfig, 'loadFromDefault' | 'loadFromCluster'> };

/** Lets what a class loads by default be what the variables say, which a test changes in a copy of its own. */
export function readingVariables({ prototype }: Class, variables: () => NodeJS.ProcessEnv | undefined): void {
  const { loadFromDefault, loadFromCluster } = prototype;
  prototype.loadFromDefault = function (this: KubeConfig, ...options) {
    withVariables(variables(), () => {
      loadFromDefault.apply(this, options);
    });
  };
  prototype.loadFromCluster = function (this: KubeConfig, ...options) {
    withVariables(variables(), () => {
      loadFromCluster.apply(this, options);
    });
  };
}

function withVariables(variables: NodeJS.ProcessEnv | undefined, work: () => void): void {
  if (variables === undefined) {
    work();
    return;
  }
  const own = asked.map((name) => [name, process.env[name]] as const);
  const set = (entries: readonly (readonly [string, string | undefined])[]): void => {
    for (const [name, value] of entries) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  };
  set(asked.map((name) => [name, variables[name]]));
  try {
    work();
  } finally {
    set(own);
  }
}
