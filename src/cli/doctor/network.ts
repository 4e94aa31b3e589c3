import { readFileSync } from 'node:fs';

import { type Config, mirrorVariables, pinnedNodeImage } from '../../config/index.js';
import { localImageId, registriesOf } from '../../images/index.js';
import { findOnPath } from '../../runtime/index.js';
import { causeOf } from '../../support/errors.js';
import { quoted } from '../../support/shell.js';
import { get, proxiesNamed } from '../../tools/index.js';
import { type Examine, ok, type Patient, problem, warning } from './finding.js';

/** Where a registry's API is, if not at its name. */
const apiHosts: Readonly<Record<string, string>> = { 'docker.io': 'registry-1.docker.io' };

/** Those that a run would pull, and whether where they come from answers. */
export const images: Examine = async (patient) => {
  const [config, engine] = await Promise.all([patient.settings, patient.engine.catch(() => undefined)]);
  const wanted = imagesOf(config, patient.env);
  const isHere = await Promise.all(
    wanted.map(
      async (reference) => engine !== undefined && (await localImageId(reference, engine)) !== undefined,
    ),
  );
  const missing = wanted.filter((_, index) => isHere[index] !== true);
  if (missing.length === 0) return ok(`here: ${wanted.map(withoutDigest).join(', ')}`);
  const registries = [...new Set(missing.flatMap((each) => registriesOf(each, config.mirrors)))];
  const silent = (await Promise.all(registries.map((each) => silenceOf(each, patient)))).flat();
  const seen = `to be pulled: ${missing.map(withoutDigest).join(', ')}`;
  if (silent.length === 0)
    return ok(`${seen}; ${registries.join(', ')} ${registries.length === 1 ? 'answers' : 'answer'}`);
  // the engine, which does the pulling, may have another way there
  return warning(
    `${seen}; no answer here from ${silent.join('; ')}`,
    'See that docker pull works; where it does not, name mirrors (mirrors, JEST_KUBERNETES_NODE_IMAGES).',
  );
};

/** The node image too, where it is known: a kind on PATH has one of its own. */
function imagesOf({ cluster, images: listed }: Config, env: NodeJS.ProcessEnv): string[] {
  const pinned = findOnPath('kind', env) === undefined ? pinnedNodeImage() : undefined;
  const node = cluster.provider === 'kind' ? (cluster.image ?? pinned) : undefined;
  return [
    ...(node === undefined ? [] : [node]),
    ...listed.flatMap((image) => (image.kind === 'pull' ? [image.reference] : [])),
  ];
}

const withoutDigest = (reference: string): string => reference.replace(/(?<=:[^@]*)@.*$/, '');

/** How long a registry may take, in milliseconds. */
const answerLimit = 5000;

/** Why a registry does not answer; nothing where it does, whatever it says. */
async function silenceOf(registry: string, { env, signal }: Patient): Promise<string[]> {
  const host = apiHosts[registry] ?? registry;
  const bound = AbortSignal.any([signal, AbortSignal.timeout(answerLimit)]);
  const ask = async (protocol: string): Promise<void> => {
    (await get(`${protocol}://${host}/v2/`, { env, signal: bound })).destroy();
  };
  try {
    // one on a port of its own may speak no TLS
    await ask('https').catch((error: unknown) =>
      host.includes(':') ? ask('http') : Promise.reject(error as Error),
    );
    return [];
  } catch (error) {
    signal.throwIfAborted();
    return [`${registry} (${bound.aborted ? `${answerLimit / 1000} s` : causeOf(error)})`];
  }
}

/** Of images, as it is configured, and of what is downloaded, as variables name it. */
export const mirrors: Examine = async ({ settings, env }) => {
  const { mirrors: ofImages } = await settings;
  const variables = mirrorVariables().filter((name) => env[name]);
  const named = variables.map((name) => `${name}=${withoutPassword(env[name] ?? '')}`);
  return ok([ofImages.length === 0 ? 'none of images' : ofImages.join(', '), ...named].join('; '));
};

const withoutPassword = (url: string): string => url.replace(/(?<=:\/\/)[^/@]*@/, '');

const loopback = ['localhost', '127.0.0.1'];

/** The cluster is at a port of the loopback: a client that asks a proxy for it gets nowhere. */
export const proxies: Examine = ({ env }) => {
  const named = proxiesNamed(env);
  if (named.length === 0) return ok('none');
  const excluded = (env['no_proxy'] ?? env['NO_PROXY'] ?? '').split(/[\s,]+/).filter((each) => each !== '');
  const missing = loopback.filter((each) => !excluded.includes(each) && !excluded.includes('*'));
  const seen = named.map((name) => `${name} (${hostOf(env[name] ?? '')})`).join(', ');
  if (missing.length === 0) return ok(`${seen}; not for ${loopback.join(', ')}`);
  const wanted = [...excluded, ...missing].join(',');
  return warning(`${seen}; NO_PROXY does not name ${missing.join(', ')}, where the cluster is reached`, {
    command: `export NO_PROXY=${quoted(wanted)} no_proxy=${quoted(wanted)}`,
  });
};

/** Without the password that may stand before it. */
function hostOf(proxy: string): string {
  try {
    return new URL(proxy.includes('://') ? proxy : `http://${proxy}`).host;
  } catch {
    return 'not a URL';
  }
}

export const authorities: Examine = ({ env }) => {
  const file = env['NODE_EXTRA_CA_CERTS'];
  if (!file) return ok('the ones that Node.js brings');
  const remedy = 'Correct NODE_EXTRA_CA_CERTS, or unset it.';
  try {
    const count = readFileSync(file, 'utf8').split('-----BEGIN CERTIFICATE-----').length - 1;
    return count === 0
      ? problem(`NODE_EXTRA_CA_CERTS names ${file}, which holds no certificate`, remedy)
      : ok(`${count} more in ${file} (NODE_EXTRA_CA_CERTS)`);
  } catch (error) {
    return problem(`NODE_EXTRA_CA_CERTS: ${causeOf(error)}`, remedy);
  }
};
