import { type Hook, readHook } from '../../config/index.js';
import { JestKubernetesError, messageOf } from '../../support/errors.js';
import { once, type RunContext } from '../context.js';
import type { Step } from '../phase-graph.js';

type Variables = Readonly<Record<string, string>>;

/** The user's own `setup`, each hook once in the cluster's life, when everything else is there; what it came to is every run's. */
export async function callSetupHooks(run: RunContext, { progress }: Step): Promise<undefined> {
  const { config, environment } = run;
  const seen = new Map<string, number>();
  for (const hook of config.setup) {
    const { digest, ...call } = await prepared(run, 'setup', hook);
    const twin = seen.get(digest) ?? 0;
    seen.set(digest, twin + 1);
    progress.waitingFor(`the configuration’s setup hook${inFile(hook)}`);
    // one that is written like another before it counts by itself
    const key = `setup:${digest}${twin === 0 ? '' : `.${String(twin)}`}`;
    environment.set(await once(run, key, progress, call.work));
  }
}

/** The user's own `eachRun`: each hook in every run. */
export async function callRunHooks(run: RunContext, { progress }: Step): Promise<undefined> {
  for (const hook of run.config.eachRun) {
    const { work } = await prepared(run, 'eachRun', hook);
    progress.waitingFor(`the configuration’s eachRun hook${inFile(hook)}`);
    run.environment.set(await work());
  }
}

const inFile = ({ file }: Hook): string => (file === undefined ? '' : ` (${file})`);

async function prepared(
  { environment, milestones }: RunContext,
  name: 'setup' | 'eachRun',
  hook: Hook,
): Promise<{ digest: string; work: () => Promise<Variables> }> {
  const { call, digest } = await readHook(hook);
  const access = await milestones.ready.promise;
  const failed = (evidence: string[], cause?: unknown): JestKubernetesError =>
    new JestKubernetesError('SETUP_HOOK_FAILED', `The configuration’s ${name} hook failed`, {
      evidence: [hook.file ?? '', ...evidence].filter((line) => line !== ''),
      cause,
    });
  const work = async (): Promise<Variables> => {
    const returned = await Promise.resolve()
      .then(() => call({ ...access, env: environment.variables() }))
      .catch((error: unknown) => {
        throw failed([messageOf(error)], error);
      });
    const { env } = Object(returned) as { env?: unknown };
    const wrong = wrongIn(env);
    if (wrong !== undefined) throw failed([`the env that it returns is no object of texts: ${wrong}`]);
    return { ...(env as Variables | undefined) };
  };
  return { digest, work };
}

/** Which of the variables is none. */
function wrongIn(env: unknown): string | undefined {
  if (env === undefined) return undefined;
  if (typeof env !== 'object' || env === null || Array.isArray(env)) return `it is ${JSON.stringify(env)}`;
  const wrong = Object.entries(env).find(([, value]) => typeof value !== 'string');
  return wrong && `${wrong[0]} is ${typeof wrong[1]}`;
}
